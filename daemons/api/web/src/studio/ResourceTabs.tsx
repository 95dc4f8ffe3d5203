/** From resources to the SSH hosts that they are reached through, and back. For administrators. */
import { Link } from '@tanstack/react-router'
import { useSession } from './session'

export function ResourceTabs() {
  if (!useSession().user.is_admin) return null
  return (
    <nav className="tabs page-tabs" aria-label="Views">
      <Link className="tab" to="/resources">
        Resources
      </Link>
      <Link className="tab" to="/ssh-hosts">
        SSH hosts
      </Link>
    </nav>
  )
}
