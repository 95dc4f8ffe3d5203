/** From apps to modules, to folders, and back. */
import { Link } from '@tanstack/react-router'
import { t } from '../messages/messages'

export function AppsTabs({ isApps = false }: { isApps?: boolean }) {
  return (
    <nav className="tabs page-tabs" aria-label={t('Views')}>
      <Link className="tab" to="/apps" search={{}} activeOptions={{ exact: true, includeSearch: true }} aria-current={isApps ? 'page' : undefined}>
        {t('Apps')}
      </Link>
      <Link className="tab" to="/apps" search={{ modules: true }}>
        {t('Modules')}
      </Link>
      <Link className="tab" to="/folders">
        {t('Folders')}
      </Link>
    </nav>
  )
}
