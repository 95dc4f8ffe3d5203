/** Where an app is found: its folder and tags. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { faultAt } from '../../api/problem'
import type { AppSummary } from '../../api/types'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { foldersOf, tagsOf } from '../app-filters'
import { t } from '../../messages/messages'

export function AppLabels({ app, apps, onClose }: { app: AppSummary; apps: readonly AppSummary[]; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [folder, setFolder] = useState(app.folder)
  const [tags, setTags] = useState(app.tags.join(', '))
  const saving = useMutation({
    meta: { showsError: true },
    mutationFn: () => {
      const listed = [...new Set(tags.split(',').map((tag) => tag.trim()).filter(Boolean))]
      const plain = folder.split('/').map((part) => part.trim()).filter(Boolean).join('/')
      return api.PUT('/api/v1/apps/{slug}/labels', { params: { path: { slug: app.slug } }, body: { folder: plain, tags: listed } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['apps'] })
      onClose()
    },
  })
  const wrongFolder = faultAt(saving.error, 'folder')
  return (
    <Dialog
      title={t('Folder and tags of {title}', { title: app.title })}
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
      {wrongFolder ? null : <ErrorNotice error={saving.error} />}
      <TextField label={t('Folder')} list="app-folders" placeholder={t('Sales/Orders')} hint={t('Folders in each other have / between them. Empty for none.')} error={wrongFolder} value={folder} onChange={({ target }) => setFolder(target.value)} />
      <datalist id="app-folders">
        {foldersOf(apps).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <TextField label={t('Tags')} placeholder={t('daily, finance')} hint={`${t('With commas between them.')} ${known(apps)}`} value={tags} onChange={({ target }) => setTags(target.value)} />
    </Dialog>
  )
}

function known(apps: readonly AppSummary[]): string {
  const tags = tagsOf(apps).slice(0, 12)
  return tags.length > 0 ? t('In use: {tags}.', { tags: tags.join(', ') }) : ''
}
