/** The head of a page: where it is, and its one primary action at the right. */
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

interface Props {
  title: string
  parent?: { to: '/apps' | '/queries' | '/workflows' | '/runs' | '/tables'; text: string }
  status?: ReactNode
  children?: ReactNode
}

export function PageHead({ title, parent, status, children }: Props) {
  return (
    <header className="page-head">
      <div className="row">
        {parent ? (
          <>
            <Link to={parent.to} className="crumb">
              {parent.text}
            </Link>
            <span className="crumb" aria-hidden>
              /
            </span>
          </>
        ) : null}
        <h1 className="truncate">{title}</h1>
        {status}
      </div>
      <div className="tools">{children}</div>
    </header>
  )
}
