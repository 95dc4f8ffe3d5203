/** What differs between two versions of an app, in words: by page, component and query. */
import { type AppDiff, type Change, changedPages } from '../../document/app-diff'
import { Badge, type Tone } from '../../ui/Badge'

export const changeTones: Record<Change, Tone> = { added: 'green', removed: 'red', changed: 'amber', moved: 'accent' }

const ofPage: Record<string, string> = { title: 'Its title', route: 'Its path', state: 'Its state variables', events: 'What it does when it opens' }

export function Changes({ diff, since }: { diff: AppDiff; since: string }) {
  return (
    <section className="history-changes" aria-label={`Changes since ${since}`}>
      <p className="muted">Since {since}:</p>
      <ul>
        {diff.rest.map((key) => (
          <Line key={key} what="changed" text={{ title: 'The title', 'home-page': 'The home page', theme: 'The theme', state: 'The state variables', translations: 'The texts' }[key] ?? key} />
        ))}
        {changedPages(diff).map(({ name, title, before, after, components, rest }) => (
          <li key={name}>
            Page <strong>{title}</strong> {before && after ? null : <Badge tone={before ? 'red' : 'green'}>{before ? 'removed' : 'added'}</Badge>}
            <ul>
              {before && after ? rest.map((key) => <Line key={`its ${key}`} what="changed" text={ofPage[key] ?? key} />) : null}
              {Object.entries(components).map(([component, what]) => (
                <Line key={component} what={what} text={component} isName />
              ))}
            </ul>
          </li>
        ))}
        {Object.entries(diff.queries).map(([name, what]) => (
          <Line key={name} what={what} text={name} isName prefix="Query" />
        ))}
      </ul>
    </section>
  )
}

function Line({ what, text, prefix, isName = false }: { what: Change; text: string; prefix?: string; isName?: boolean }) {
  return (
    <li>
      {prefix ? `${prefix} ` : null}
      {isName ? <code>{text}</code> : text} <Badge tone={changeTones[what]}>{what}</Badge>
    </li>
  )
}
