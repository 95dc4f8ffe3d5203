/** A copy of an app's draft under another name; its releases and roles stay with the original. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { api, dataOf } from '../../api/client'
import type { AppSummary } from '../../api/types'
import { createApp } from '../new-app/NewApp'
import { NamingDialog, NamingFields, useNaming } from '../new-app/naming'
import { t } from '../../messages/messages'

export function DuplicateApp({ app, onClose }: { app: AppSummary; onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const naming = useNaming(
    async (wanted) => {
      const original = await dataOf(api.GET('/api/v1/apps/{slug}', { params: { path: { slug: app.slug } } }))
      await createApp(wanted, original.draft)
      if (app.tags.length === 0) return
      await api.PUT('/api/v1/apps/{slug}/labels', { params: { path: { slug: wanted.slug } }, body: { tags: app.tags } })
    },
    async (slug) => {
      await queryClient.invalidateQueries({ queryKey: ['apps'] })
      await navigate({ to: '/apps/$slug/edit', params: { slug } })
    },
    t('Copy of {title}', { title: app.title }).slice(0, 120),
  )
  return (
    <NamingDialog title={t('Duplicate {title}', { title: app.title })} naming={naming} action={t('Duplicate app')} onClose={onClose}>
      <p className="muted">{t('The copy begins with the draft as it is saved. It has no releases, and you are the only one who may use it until you share it.')}</p>
      <NamingFields naming={naming} />
    </NamingDialog>
  )
}
