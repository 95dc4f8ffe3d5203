/** What an app is found by: its tags. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import type { AppSummary } from '../../api/types'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { tagsOf } from '../app-filters'
import { t } from '../../messages/messages'

export function AppTags({ app, apps, onClose }: { app: AppSummary; apps: readonly AppSummary[]; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [tags, setTags] = useState(app.tags.join(', '))
  const saving = useMutation({
    meta: { showsError: true },
    mutationFn: () => {
      const listed = [...new Set(tags.split(',').map((tag) => tag.trim()).filter(Boolean))]
      return api.PUT('/api/v1/apps/{slug}/labels', { params: { path: { slug: app.slug } }, body: { tags: listed } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['apps'] })
      onClose()
    },
  })
  return (
    <Dialog
      title={t('Tags of {title}', { title: app.title })}
      onClose={onClose}
      onSubmit={() => saving.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={saving.isPending}>
            {t('Save')}
          </Button>
        </>
      }
    >
      <ErrorNotice error={saving.error} />
      <TextField label={t('Tags')} placeholder={t('daily, finance')} hint={`${t('With commas between them.')} ${known(apps)}`} value={tags} onChange={({ target }) => setTags(target.value)} />
    </Dialog>
  )
}

function known(apps: readonly AppSummary[]): string {
  const tags = tagsOf(apps).slice(0, 12)
  return tags.length > 0 ? t('In use: {tags}.', { tags: tags.join(', ') }) : ''
}
