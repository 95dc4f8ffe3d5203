/** The card on the pages that come before the studio. */
import type { ReactNode } from 'react'
import './studio.css'

export function EntryCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="entry">
      <div className="card entry-card">
        <div className="brand">
          <img src="/favicon.svg" alt="" />
          <span>Bulkhead</span>
        </div>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}
