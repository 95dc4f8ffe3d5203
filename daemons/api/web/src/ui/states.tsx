/** What a screen shows when it has nothing, waits, or failed. */
import type { UseQueryResult } from '@tanstack/react-query'
import { CircleAlert, Lock } from 'lucide-react'
import { type ReactNode, Suspense, lazy } from 'react'
import { ApiProblem, messageOf } from '../api/problem'
import { t } from '../messages/messages'
import { Button } from './Button'
import type { IconType } from './icons'

const ConnectAccount = lazy(() => import('./ConnectAccount').then((module) => ({ default: module.ConnectAccount })))

export function EmptyState({ icon: Icon, title, children, action }: { icon: IconType; title: string; children: ReactNode; action?: ReactNode }) {
  return (
    <div className="state">
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  )
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const isRefused = error instanceof ApiProblem && error.status === 403
  const isMissing = error instanceof ApiProblem && error.status === 404
  const Icon = isRefused ? Lock : CircleAlert
  return (
    <div className={isRefused ? 'state' : 'state red'} role="alert">
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <h2>{isRefused ? t('You have no access here') : isMissing ? t('Not found') : t('This did not work')}</h2>
      <p>{messageOf(error)}</p>
      {onRetry && !isRefused && !isMissing ? <Button onClick={onRetry}>{t('Try again')}</Button> : null}
    </div>
  )
}

export function ErrorNotice({ error }: { error: unknown }) {
  if (!error) return null
  const faults = error instanceof ApiProblem ? error.faults : []
  const resource = error instanceof ApiProblem ? error.resource : undefined
  return (
    <div className="notice red" role="alert">
      <CircleAlert className="icon" aria-hidden />
      <div>
        <p>{messageOf(error)}</p>
        {faults.length > 1 ? (
          <ul>
            {faults.map((fault) => (
              <li key={`${fault.path} ${fault.message}`}>
                <code>{fault.path}</code> {fault.message}
              </li>
            ))}
          </ul>
        ) : null}
        {resource ? (
          <Suspense>
            <ConnectAccount resource={resource} />
          </Suspense>
        ) : null}
      </div>
    </div>
  )
}

/** What a query gave; before that, that it is on its way, or why it failed. */
export function Loaded<T>({ query, children }: { query: Pick<UseQueryResult<T>, 'data' | 'error' | 'isPending' | 'isError' | 'refetch'>; children: (data: T) => ReactNode }) {
  if (query.isPending) return <SkeletonRows />
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />
  return children(query.data as T)
}

const widths = ['skeleton-62', 'skeleton-80', 'skeleton-45', 'skeleton-71']

export function SkeletonRows({ count = 6 }: { count?: number }) {
  return (
    <div className="skeleton-rows" role="status" aria-label={t('Loading')}>
      {Array.from({ length: count }, (_, index) => (
        <span key={index} className={`skeleton ${widths[index % widths.length]}`} />
      ))}
    </div>
  )
}
