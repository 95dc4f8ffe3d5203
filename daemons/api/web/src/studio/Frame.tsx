/** The product's frame. It waits for the session, so that every page below knows who is here. */
import { useMutation } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { AppWindow, ClipboardCheck, Database, GitBranch, House, KeyRound, Layers, LibraryBig, LogOut, Menu, Package, Play, ScrollText, Search, Table2, Users, UsersRound, Workflow, X } from 'lucide-react'
import { type KeyboardEvent, type MouseEvent, type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import { Button } from '../ui/Button'
import { useIsOnline } from '../ui/online'
import { ErrorState, SkeletonRows } from '../ui/states'
import { message, t } from '../messages/messages'
import { Palette } from './Palette'
import { ThemeMenu } from './ThemeMenu'
import { QueueBanner } from './Queue'
import { useSessionQuery } from './session'
import './studio.css'

const everybody = [
  { to: '/', text: message('Home'), icon: House },
  { to: '/apps', text: message('Apps'), icon: AppWindow },
  { to: '/workflows', text: message('Workflows'), icon: Workflow },
  { to: '/resources', text: message('Resources'), icon: Database },
  { to: '/tables', text: message('Tables'), icon: Table2 },
  { to: '/queries', text: message('Queries'), icon: LibraryBig },
  { to: '/runs', text: message('Runs'), icon: Play },
  { to: '/approvals', text: message('Approvals'), icon: ClipboardCheck },
] as const
const administrators = [
  { to: '/libraries', text: message('Libraries'), icon: Package },
  { to: '/secrets', text: message('Secrets'), icon: KeyRound },
  { to: '/users', text: message('Users'), icon: Users },
  { to: '/groups', text: message('Groups'), icon: UsersRound },
  { to: '/environments', text: message('Environments'), icon: Layers },
  { to: '/source-control', text: message('Source control'), icon: GitBranch },
  { to: '/audit', text: message('Audit'), icon: ScrollText },
] as const

/** Pages on which it matters that nothing starts. */
const hasQueue = /^\/(runs|workflows)(\/|$)/

export function Frame() {
  const session = useSessionQuery()
  const isOnline = useIsOnline()
  const { pathname } = useLocation()
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const logOut = useMutation({
    mutationFn: () => api.POST('/api/v1/logout', { headers: { 'content-type': 'application/json' } }),
    onSuccess: () => location.assign('/login'),
  })
  useEffect(() => {
    const open = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return
      event.preventDefault()
      setPaletteOpen(true)
    }
    window.addEventListener('keydown', open)
    return () => window.removeEventListener('keydown', open)
  }, [])
  const links = session.data?.user.is_admin ? [...everybody, ...administrators] : everybody
  return (
    <div className="frame">
      <Navigation pathname={pathname} onSearch={() => setPaletteOpen(true)}>
        {links.map(({ to, text, icon: Icon }) => (
          <Link key={to} to={to} className={to === '/resources' && pathname === '/ssh-hosts' ? 'nav-link active' : 'nav-link'} activeProps={{ className: 'active' }} activeOptions={{ exact: to === '/', includeSearch: false }}>
            <Icon className="icon" strokeWidth={1.5} aria-hidden />
            {t(text)}
          </Link>
        ))}
        <div className="nav-foot">
          {session.data ? (
            <div className="nav-user row">
              <Link to="/account" className="grow">
                <p className="truncate">{session.data.user.name}</p>
                <p className="muted truncate">{session.data.user.email}</p>
              </Link>
              <ThemeMenu />
              <Button variant="ghost" size="small" icon={LogOut} label={t('Log out')} isBusy={logOut.isPending} onClick={() => logOut.mutate()} />
            </div>
          ) : null}
        </div>
      </Navigation>
      <main className="page">
        {isOnline ? null : <div className="notice amber banner">{t('You are offline. What you see may be old.')}</div>}
        {session.data ? (
          <>
            {hasQueue.test(pathname) ? <QueueBanner /> : null}
            <Suspense fallback={<SkeletonRows />}>
              <Outlet />
            </Suspense>
          </>
        ) : session.isError ? (
          <ErrorState error={session.error} onRetry={() => void session.refetch()} />
        ) : (
          <SkeletonRows />
        )}
      </main>
      {isPaletteOpen && session.data ? <Palette onClose={() => setPaletteOpen(false)} /> : null}
    </div>
  )
}

/** A column at the left; on a narrow screen a bar whose button opens it. */
function Navigation({ pathname, onSearch, children }: { pathname: string; onSearch: () => void; children: ReactNode }) {
  // Wherever one goes from there, it is closed.
  const [openAt, setOpenAt] = useState<string>()
  const isOpen = openAt === pathname
  const setOpen = (open: boolean) => setOpenAt(open ? pathname : undefined)
  const host = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!isOpen) return
    const leave = (event: PointerEvent) => {
      if (event.target instanceof Node && !host.current?.contains(event.target)) setOpenAt(undefined)
    }
    window.addEventListener('pointerdown', leave)
    return () => window.removeEventListener('pointerdown', leave)
  }, [isOpen])
  const closeOnEscape = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape' || !isOpen) return
    setOpen(false)
    host.current?.querySelector<HTMLElement>('.nav-menu')?.focus()
  }
  // Also the link to where one is.
  const closeOnLink = ({ target }: MouseEvent) => {
    if (target instanceof Element && target.closest('a')) setOpen(false)
  }
  return (
    <nav ref={host} className="nav" aria-label={t('Main')} onKeyDown={closeOnEscape} onClick={closeOnLink}>
      <Link to="/" className="brand">
        <img src="/favicon.svg" alt="" />
        <span>Bulkhead</span>
      </Link>
      <Button className="nav-narrow" variant="ghost" icon={Search} label={t('Search')} onClick={onSearch} />
      <Button className="nav-narrow nav-menu" variant="ghost" icon={isOpen ? X : Menu} aria-expanded={isOpen} aria-controls="navigation" label={isOpen ? t('Close menu') : t('Menu')} onClick={() => setOpen(!isOpen)} />
      <div id="navigation" className={isOpen ? 'nav-items open' : 'nav-items'}>
        <button type="button" className="nav-link nav-search" onClick={onSearch}>
          <Search className="icon" strokeWidth={1.5} aria-hidden />
          {t('Search')}
          <kbd>Ctrl K</kbd>
        </button>
        {children}
      </div>
    </nav>
  )
}
