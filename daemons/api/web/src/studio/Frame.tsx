/** The product's frame. It waits for the session, so that every page below knows who is here. */
import { useMutation } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { AppWindow, ClipboardCheck, Database, House, KeyRound, LogOut, Moon, Package, Play, ScrollText, Search, Sun, Users, Workflow } from 'lucide-react'
import { Suspense, useEffect, useState } from 'react'
import { api } from '../api/client'
import { Button } from '../ui/Button'
import { useIsOnline } from '../ui/online'
import { ErrorState, SkeletonRows } from '../ui/states'
import { setTheme } from '../ui/theme'
import { Palette } from './Palette'
import { useSessionQuery } from './session'
import './studio.css'

const everybody = [
  { to: '/', text: 'Home', icon: House },
  { to: '/apps', text: 'Apps', icon: AppWindow },
  { to: '/workflows', text: 'Workflows', icon: Workflow },
  { to: '/resources', text: 'Resources', icon: Database },
  { to: '/runs', text: 'Runs', icon: Play },
  { to: '/approvals', text: 'Approvals', icon: ClipboardCheck },
] as const
const administrators = [
  { to: '/libraries', text: 'Libraries', icon: Package },
  { to: '/secrets', text: 'Secrets', icon: KeyRound },
  { to: '/users', text: 'Users', icon: Users },
  { to: '/audit', text: 'Audit', icon: ScrollText },
] as const

export function Frame() {
  const session = useSessionQuery()
  const isOnline = useIsOnline()
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const logOut = useMutation({
    mutationFn: () => api.POST('/api/v1/logout', { headers: { 'content-type': 'application/json' } }),
    onSuccess: () => location.assign('/login'),
  })
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
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
      <nav className="nav" aria-label="Main">
        <Link to="/" className="brand">
          <img src="/favicon.svg" alt="" />
          <span>Bulkhead</span>
        </Link>
        <button type="button" className="nav-link nav-search" onClick={() => setPaletteOpen(true)}>
          <Search className="icon" strokeWidth={1.5} aria-hidden />
          Search
          <kbd>Ctrl K</kbd>
        </button>
        {links.map(({ to, text, icon: Icon }) => (
          <Link key={to} to={to} className="nav-link" activeProps={{ className: 'active' }} activeOptions={{ exact: to === '/' }}>
            <Icon className="icon" strokeWidth={1.5} aria-hidden />
            {text}
          </Link>
        ))}
        <div className="nav-foot">
          {session.data ? (
            <div className="nav-user row">
              <div className="grow">
                <p className="truncate">{session.data.user.name}</p>
                <p className="muted truncate">{session.data.user.email}</p>
              </div>
              <ThemeButton />
              <Button variant="ghost" size="small" icon={LogOut} label="Log out" isBusy={logOut.isPending} onClick={() => logOut.mutate()} />
            </div>
          ) : null}
        </div>
      </nav>
      <main className="page">
        {isOnline ? null : <div className="notice amber">You are offline. What you see may be old.</div>}
        {session.data ? (
          <Suspense fallback={<SkeletonRows />}>
            <Outlet />
          </Suspense>
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

