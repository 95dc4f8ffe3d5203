/** A page as boxes on its grid, named, with what changed outlined. It runs nothing: a version of the past asks no resource. */
import type { CSSProperties } from 'react'
import type { Page } from '../../api/types'
import type { Change } from '../../document/app-diff'
import { componentKinds } from '../component-kinds'
import { namesOn } from '../../components/slot'

interface Props {
  label: string
  page: Page | undefined
  changes: Record<string, Change>
  isBefore?: boolean
}

const maxDepth = 8

export function PageSketch({ label, page, changes, isBefore = false }: Props) {
  if (!page) return <p className="muted history-absent">There is no such page {isBefore ? 'before' : 'after'}.</p>
  return (
    <div className="history-sketch" role="img" aria-label={`${label}: ${described(page, changes)}`}>
      <Boxes page={page} changes={changes} depth={0} />
    </div>
  )
}

function described(page: Page, changes: Record<string, Change>): string {
  const outlined = Object.entries(changes).filter(([name]) => page.components?.[name])
  return outlined.length > 0 ? outlined.map(([name, what]) => `${name} ${what}`).join(', ') : 'nothing outlined'
}

function Boxes({ page, changes, parent, depth }: { page: Page; changes: Record<string, Change>; parent?: string; depth: number }) {
  const names = namesOn(page, parent === undefined ? {} : { parent })
  if (names.length === 0 || depth > maxDepth) return null
  return (
    <div className="history-grid">
      {names.map((name) => {
        const rect = page.layout?.[name]
        const component = page.components?.[name]
        if (!rect || !component) return null
        const style: CSSProperties = { gridColumn: `${rect.column + 1} / span ${rect.width}`, gridRow: `${rect.row + 1} / span ${rect.height}` }
        return (
          <div key={name} className={`history-box ${changes[name] ?? ''}`} style={style} title={`${componentKinds[component.type]?.text ?? component.type} ${name}${changes[name] ? `: ${changes[name]}` : ''}`}>
            <span className="truncate">{name}</span>
            <Boxes page={page} changes={changes} parent={name} depth={depth + 1} />
          </div>
        )
      })}
    </div>
  )
}
