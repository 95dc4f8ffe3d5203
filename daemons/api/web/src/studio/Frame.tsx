/** The product's frame. It waits for the session, so that every page below knows who is here. */
import { useMutation } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { AppWindow, ClipboardCheck, Database, House, KeyRound, Layers, LibraryBig, LogOut, Menu, Moon, Package, Play, ScrollText, Search, Sun, Users, UsersRound, Workflow, X } from 'lucide-react'
import { type KeyboardEvent, type MouseEvent, type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import { Button } from '../ui/Button'
import { useIsOnline } from '../ui/online'
import { ErrorState, SkeletonRows } from '../ui/states'
import { setTheme } from '../ui/theme'
import { Palette } from './Palette'
import { QueueBanner } from './Queue'
import { useSessionQuery } from './session'
import './studio.css'

const everybody = [
  { to: '/', text: 'Home', icon: House },
  { to: '/apps', text: 'Apps', icon: AppWindow },
  { to: '/workflows', text: 'Workflows', icon: Workflow },
  { to: '/resources', text: 'Resources', icon: Database },
  { to: '/queries', text: 'Queries', icon: LibraryBig },
  { to: '/runs', text: 'Runs', icon: Play },
  { to: '/approvals', text: 'Approvals', icon: ClipboardCheck },
] as const
const administrators = [
  { to: '/libraries', text: 'Libraries', icon: Package },
  { to: '/secrets', text: 'Secrets', icon: KeyRound },
  { to: '/users', text: 'Users', icon: Users },
  { to: '/groups', text: 'Groups', icon: UsersRound },
  { to: '/environments', text: 'Environments', icon: Layers },
  { to: '/audit', text: 'Audit', icon: ScrollText },
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
            {text}
          </Link>
        ))}
        <div className="nav-foot">
          {session.data ? (
            <div className="nav-user row">
              <Link to="/account" className="grow">
                <p className="truncate">{session.data.user.name}</p>
                <p className="muted truncate">{session.data.user.email}</p>
              </Link>
              <ThemeButton />
              <Button variant="ghost" size="small" icon={LogOut} label="Log out" isBusy={logOut.isPending} onClick={() => logOut.mutate()} />
            </div>
          ) : null}
        </div>
      </Navigation>
      <main className="page">
        {isOnline ? null : <div className="notice amber banner">You are offline. What you see may be old.</div>}
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
    <nav ref={host} className="nav" aria-label="Main" onKeyDown={closeOnEscape} onClick={closeOnLink}>
      <Link to="/" className="brand">
        <img src="/favicon.svg" alt="" />
        <span>Bulkhead</span>
      </Link>
      <Button className="nav-narrow" variant="ghost" icon={Search} label="Search" onClick={onSearch} />
      <Button className="nav-narrow nav-menu" variant="ghost" icon={isOpen ? X : Menu} aria-expanded={isOpen} aria-controls="navigation" label={isOpen ? 'Close menu' : 'Menu'} onClick={() => setOpen(!isOpen)} />
      <div id="navigation" className={isOpen ? 'nav-items open' : 'nav-items'}>
        <button type="button" className="nav-link nav-search" onClick={onSearch}>
          <Search className="icon" strokeWidth={1.5} aria-hidden />
          Search
          <kbd>Ctrl K</kbd>
        </button>
        {children}
      </div>
    </nav>
  )
}

function ThemeButton() {
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  const [dark, setDark] = useState(isDark)
  return (
    <Button
      variant="ghost"
      size="small"
      icon={dark ? Sun : Moon}
      label={dark ? 'Light theme' : 'Dark theme'}
      onClick={() => {
        setTheme(dark ? 'light' : 'dark')
        setDark(!dark)
      }}
    />
  )
}

