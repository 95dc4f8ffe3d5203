/** From the people of this instance to how they log in, to their tokens, and back. */
import { Link } from '@tanstack/react-router'

export function PeopleTabs() {
  return (
    <nav className="tabs page-tabs" aria-label="Views">
      <Link className="tab" to="/users">
        Users
      </Link>
      <Link className="tab" to="/log-in-settings">
        Log-in
      </Link>
      <Link className="tab" to="/tokens">
        Tokens
      </Link>
    </nav>
  )
}
