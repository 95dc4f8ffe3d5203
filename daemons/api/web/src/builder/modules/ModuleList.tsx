/** The modules that may stand in this app: pressing one puts its newest release on the page. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { Package } from 'lucide-react'
import { messageOf } from '../../api/problem'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { circleOf, sizeOf, withModule } from '../../document/modules'
import type { Grid } from '../../runtime/nesting'
import { appsQuery } from '../../studio/lists'
import { notify } from '../../ui/toasts'
import { freeName } from '../edits'
import { freeSpot } from '../layout'
import { moduleRelease } from './release'
import { t } from '../../messages/messages'

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  page: string
  wanted: string
  /** The grid that something new stands on. */
  grid: Pick<Grid, 'parent' | 'slot'>
  onSelect: (names: string[]) => void
}

export function ModuleList({ slug, store, page, wanted, grid, onSelect }: Props) {
  const apps = useQuery(appsQuery).data ?? []
  const modules = apps.filter((app) => app.is_module && app.slug !== slug && app.title.toLowerCase().includes(wanted))
  const adding = useMutation({
    meta: { showsError: true },
    mutationFn: async (module: string) => {
      const release = await moduleRelease(module)
      const circle = circleOf(release, slug)
      if (circle) throw new Error(circle)
      const { document } = store.getState()
      const name = freeName(document, camel(module))
      const added = withModule(document, page, name, release, { ...freeSpot(document.pages[page]?.layout ?? {}, sizeOf(release.document), grid), ...grid })
      store.edit((draft) => void Object.assign(draft, added))
      return name
    },
    onSuccess: (name) => onSelect([name]),
    onError: (error) => notify(messageOf(error), 'error'),
  })
  if (modules.length === 0) return null
  return (
    <div role="group" aria-label={t('Modules')}>
      <h3 className="side-group">{t('Modules')}</h3>
      <div className="side-kinds">
        {modules.map((module) => (
          <button key={module.slug} type="button" className="side-kind" disabled={!module.released_version || adding.isPending} title={module.released_version ? t('Version {version}', { version: module.released_version }) : t('It was never released.')} onClick={() => adding.mutate(module.slug)}>
            <Package className="icon" strokeWidth={1.5} aria-hidden />
            {module.title}
          </button>
        ))}
      </div>
    </div>
  )
}

/** `customer-card` becomes `customerCard`. */
function camel(slug: string): string {
  const name = slug.replace(/-+(\w)/g, (_, letter: string) => letter.toUpperCase())
  return /^[a-z]/.test(name) ? name.slice(0, 20) : `module${name.slice(0, 14)}`
}
