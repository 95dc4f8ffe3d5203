/** A new app: from nothing, or from a table, a CSV file, a template, or a file that was exported. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { FileJson2, FileSpreadsheet, LayoutTemplate, Table2 } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { AppDocument } from '../../api/types'
import { Dialog } from '../../ui/Dialog'
import type { IconType } from '../../ui/icons'
import { SkeletonRows } from '../../ui/states'
import './new-app.css'
import { type Naming, NamingDialog, NamingFields, useNaming } from './naming'

export interface StartProps {
  onCreated: (slug: string) => void
  onBack: () => void
  onClose: () => void
}

type Start = 'table' | 'csv' | 'template' | 'file'

const starts: Record<Start, { text: string; about: string; icon: IconType }> = {
  table: { text: 'A table', about: 'A list, forms and buttons to add, change and delete rows.', icon: Table2 },
  csv: { text: 'A CSV file', about: 'Its rows become a table, and the table an app.', icon: FileSpreadsheet },
  template: { text: 'A template', about: 'A whole app over the demo tables, to look into and change.', icon: LayoutTemplate },
  file: { text: 'A file', about: 'An app that was exported here, or from Appsmith.', icon: FileJson2 },
}

const parts = {
  table: lazy(async () => ({ default: (await import('./FromTable')).FromTable })),
  csv: lazy(async () => ({ default: (await import('./FromCsv')).FromCsv })),
  template: lazy(async () => ({ default: (await import('./FromTemplate')).FromTemplate })),
  file: lazy(async () => ({ default: (await import('./FromFile')).FromFile })),
}

export function createApp({ slug, title }: Pick<Naming, 'slug' | 'title'>, document?: AppDocument): Promise<unknown> {
  return dataOf(api.POST('/api/v1/apps', { body: { slug, title, ...(document ? { document: { ...document, title } } : {}) } }))
}

export function NewApp({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [start, setStart] = useState<Start>()
  const created = async (slug: string) => {
    await queryClient.invalidateQueries({ queryKey: ['apps'] })
    await navigate({ to: '/apps/$slug/edit', params: { slug } })
  }
  const naming = useNaming((wanted) => createApp(wanted), created)
  if (start) {
    const Part = parts[start]
    return (
      <Suspense
        fallback={
          <Dialog title={`New app from ${starts[start].text.toLowerCase()}`} isWide onClose={onClose}>
            <SkeletonRows count={4} />
          </Dialog>
        }
      >
        <Part onCreated={(slug) => void created(slug)} onBack={() => setStart(undefined)} onClose={onClose} />
      </Suspense>
    )
  }
  return (
    <NamingDialog title="New app" naming={naming} onClose={onClose}>
      <NamingFields naming={naming} placeholder="Refund desk" />
      <section className="new-app-starts" aria-label="Start from">
        <h3>Or start from</h3>
        <ul className="kind-grid">
          {Object.entries(starts).map(([kind, { text, about, icon: Icon }]) => (
            <li key={kind}>
              <button type="button" className="kind-card" onClick={() => setStart(kind as Start)}>
                <Icon className="icon" strokeWidth={1.5} aria-hidden />
                <span>
                  <strong>{text}</strong>
                  <span className="muted">{about}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    </NamingDialog>
  )
}
