/** A new module: an app that is made to stand in others. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { AppDocument } from '../../api/types'
import { createApp } from './NewApp'
import './new-app.css'
import { NamingDialog, NamingFields, useNaming } from './naming'

const empty: AppDocument = { format: 1, title: '', 'home-page': 'home', pages: { home: {} }, module: {} }

export function NewModule({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const created = async (slug: string) => {
    await queryClient.invalidateQueries({ queryKey: ['apps'] })
    await navigate({ to: '/apps/$slug/edit', params: { slug } })
  }
  const naming = useNaming((wanted) => createApp(wanted, empty), created)
  return (
    <NamingDialog title="New module" action="Create module" naming={naming} onClose={onClose}>
      <NamingFields naming={naming} placeholder="Customer card" />
    </NamingDialog>
  )
}
