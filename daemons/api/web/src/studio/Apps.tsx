/** All apps that the person may see: by folder, tag and words, one's favourites first. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { AppWindow, ChartNoAxesColumn, Copy, Download, FolderInput, Package, Plus, Star, Tags, Trash2, UserPlus } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import { api } from '../api/client'
import { messageOf } from '../api/problem'
import type { AppSummary } from '../api/types'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { RelativeTime } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { notify } from '../ui/toasts'
import { message, t } from '../messages/messages'
import { AppFilterBar } from './AppFilterBar'
import { AppsTabs } from './AppsTabs'
import { PageHead } from './PageHead'
import { arranged } from './app-filters'
import { appsQuery } from './lists'
import { useRemoval } from './use-removal'

const NewApp = lazy(async () => ({ default: (await import('./new-app/NewApp')).NewApp }))
const NewModule = lazy(async () => ({ default: (await import('./new-app/NewModule')).NewModule }))
const dialogs = {
  duplicate: lazy(async () => ({ default: (await import('./app-dialogs/DuplicateApp')).DuplicateApp })),
  tags: lazy(async () => ({ default: (await import('./app-dialogs/AppTags')).AppTags })),
  usage: lazy(async () => ({ default: (await import('./app-dialogs/AppUsage')).AppUsage })),
}

type DialogName = keyof typeof dialogs | 'move' | 'share'

const MoveDialog = lazy(async () => ({ default: (await import('./folders/MoveDialog')).MoveDialog }))
const Share = lazy(async () => ({ default: (await import('./sharing/Share')).Share }))

const none: AppSummary[] = []
const roles = { viewer: message('viewer'), editor: message('editor'), admin: message('admin') } satisfies Record<AppSummary['role'], string>

export function Apps() {
  const apps = useQuery(appsQuery)
  const navigate = useNavigate({ from: '/apps' })
  const filters = useSearch({ from: '/frame/apps' })
  const isModules = Boolean(filters.modules)
  const [isCreating, setCreating] = useState(false)
  const [opened, setOpened] = useState<{ name: DialogName; app: AppSummary }>()
  const newApp = (
    <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
      {isModules ? t('New module') : t('New app')}
    </Button>
  )
  const shown = arranged(apps.data ?? none, filters)
  const Opened = opened && opened.name !== 'share' && opened.name !== 'move' ? dialogs[opened.name] : undefined
  const close = () => setOpened(undefined)
  return (
    <>
      <PageHead title={isModules ? t('Modules') : t('Apps')}>{newApp}</PageHead>
      <AppsTabs isApps={!isModules} />
      <div className="page-body">
        <Loaded query={apps}>
          {(all) =>
            isModules && !all.some((app) => app.is_module) ? (
              <EmptyState icon={Package} title={t('Build a piece once')} action={newApp}>
                {t("A module is a piece that many apps share: an address form, a customer's card with its queries. It takes inputs, gives outputs and raises events, and each app keeps the release that it was built with until you update it there.")}
              </EmptyState>
            ) : !isModules && !all.some((app) => !app.is_module) ? (
              <EmptyState icon={AppWindow} title={t('Build your first app')} action={newApp}>
                {t('An app is a page of components over your data: a search box, a table of customers, a button that updates one of them. Start from a table, a CSV file or a template, or draw it yourself and bind it with {braces}.', { braces: '{{ }}' })}
              </EmptyState>
            ) : (
              <>
                <AppFilterBar apps={all.filter((app) => app.is_module === isModules)} filters={filters} onChange={(search) => void navigate({ search, replace: true })} />
                {shown.length === 0 ? <p className="muted padded">{isModules ? t('No module matches this.') : t('No app matches this.')}</p> : <AppTable apps={shown} hasFolders={filters.folder === undefined} onOpen={(name, app) => setOpened({ name, app })} />}
              </>
            )
          }
        </Loaded>
      </div>
      <Suspense>
        {isCreating ? isModules ? <NewModule onClose={() => setCreating(false)} /> : <NewApp onClose={() => setCreating(false)} /> : null}
        {Opened && opened ? <Opened app={opened.app} apps={apps.data ?? none} onClose={close} /> : null}
        {opened?.name === 'share' ? <Share kind="apps" slug={opened.app.slug} title={opened.app.title} onClose={close} /> : null}
        {opened?.name === 'move' ? <MoveDialog kind="apps" slug={opened.app.slug} title={opened.app.title} folder={opened.app.folder} onClose={close} /> : null}
      </Suspense>
    </>
  )
}

interface TableProps {
  apps: AppSummary[]
  hasFolders: boolean
  onOpen: (name: DialogName, app: AppSummary) => void
}

function AppTable({ apps, hasFolders, onOpen }: TableProps) {
  return (
    <table className="list">
      <thead>
        <tr>
          <th className="favourite-cell">
            <span className="visually-hidden">{t('Favourite')}</span>
          </th>
          <th>{t('Title')}</th>
          <th>{t('Version')}</th>
          <th className="wide-only">{t('Your role')}</th>
          <th className="wide-only">{t('Changed')}</th>
          <th>
            <span className="visually-hidden">{t('Actions')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {apps.map((app) => (
          <tr key={app.id}>
            <td className="favourite-cell">
              <Favourite app={app} />
            </td>
            <td>
              {app.is_module && app.role === 'viewer' ? (
                <span className="main-link">{app.title}</span>
              ) : (
                <a className="main-link" href={!app.is_module && (app.released_version || app.role === 'viewer') ? `/apps/${app.slug}` : `/apps/${app.slug}/edit`}>
                  {app.title}
                </a>
              )}
              <div className="row wrap app-labels">
                <span className="muted mono">{hasFolders && app.folder ? `${app.folder} · ` : ''}{app.is_module ? app.slug : `/apps/${app.slug}`}</span>
                {app.tags.map((tag) => (
                  <Badge key={tag}>{tag}</Badge>
                ))}
              </div>
            </td>
            <td>{app.released_version ? <Badge tone="green">{t('Version {version}', { version: String(app.released_version) })}</Badge> : <Badge>{t('Draft')}</Badge>}</td>
            <td className="wide-only">{t(roles[app.role])}</td>
            <td className="wide-only muted">
              <RelativeTime at={app.updated_at} />
            </td>
            <td className="actions">{app.role === 'viewer' ? null : <Actions app={app} onOpen={onOpen} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Favourite({ app }: { app: AppSummary }) {
  const queryClient = useQueryClient()
  const marking = useMutation({
    meta: { showsError: true },
    mutationFn: (is_favourite: boolean) => api.PUT('/api/v1/apps/{slug}/favourite', { params: { path: { slug: app.slug } }, body: { is_favourite } }),
    onError: (error) => notify(messageOf(error), 'error'),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['apps'] }),
  })
  const isOn = marking.isPending ? marking.variables : app.is_favourite
  return <Button variant="ghost" size="small" icon={Star} className={isOn ? 'is-favourite' : ''} aria-pressed={isOn} label={t('Favourite {title}', { title: app.title })} onClick={() => marking.mutate(!isOn)} />
}

function Actions({ app, onOpen }: { app: AppSummary; onOpen: TableProps['onOpen'] }) {
  const confirmed = useRemoval('apps')
  const { slug, title } = app
  const remove = () =>
    confirmed({ title: t('Delete {title}?', { title }), text: app.is_module ? t('The module, its draft and all its releases go. Apps keep what they have of it.') : t('The app, its draft and all its releases go. Nobody can use it any more.'), confirm: app.is_module ? t('Delete module') : t('Delete app') }, () =>
      api.DELETE('/api/v1/apps/{slug}', { params: { path: { slug } }, headers: { 'content-type': 'application/json' } }),
    )
  const download = async () => {
    try {
      const { exportApp } = await import('./app-dialogs/export-app')
      await exportApp(slug)
    } catch (error) {
      notify(messageOf(error), 'error')
    }
  }
  return (
    <span className="row">
      <a className="button small wide-only" href={`/apps/${slug}/edit`}>
        {t('Edit')}
      </a>
      <MenuButton text={t('More')} size="small" label={t('Actions on {title}', { title })}>
        <MenuItem icon={Copy} onChoose={() => onOpen('duplicate', app)}>
          {t('Duplicate')}
        </MenuItem>
        <MenuItem icon={Tags} onChoose={() => onOpen('tags', app)}>
          {t('Tags')}
        </MenuItem>
        <MenuItem icon={ChartNoAxesColumn} onChoose={() => onOpen('usage', app)}>
          {t('Usage')}
        </MenuItem>
        <MenuItem icon={Download} onChoose={() => void download()}>
          {t('Export')}
        </MenuItem>
        {app.role === 'admin' ? (
          <>
            <MenuItem icon={UserPlus} onChoose={() => onOpen('share', app)}>
              {t('Share')}
            </MenuItem>
            <MenuItem icon={FolderInput} onChoose={() => onOpen('move', app)}>
              {t('Move')}
            </MenuItem>
            <MenuItem icon={Trash2} isDanger onChoose={() => void remove()}>
              {t('Delete')}
            </MenuItem>
          </>
        ) : null}
      </MenuButton>
    </span>
  )
}
