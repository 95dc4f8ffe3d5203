/** Pieces that a single block's run and a whole run both show. */
import { CircleAlert } from 'lucide-react'
import type { LogLine, RunError } from '../api/types'

const shownLines = 2000
const time = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })

export function LogView({ lines }: { lines: LogLine[] }) {
  const shown = lines.slice(-shownLines)
  const earlier = lines.length - shown.length
  return (
    <div className="log" role="log" aria-label="Log" tabIndex={0}>
      {earlier > 0 ? <div className="debug">… {earlier.toLocaleString('en')} earlier lines</div> : null}
      {/* Lines are only ever added at the end; their numbers begin anew in each round. */}
      {shown.map((line, index) => (
        <div key={earlier + index} className={line.level}>
          <span className="debug">{time.format(line.time_ms)} </span>
          {line.text}
        </div>
      ))}
    </div>
  )
}

export function RunErrorView({ error }: { error: RunError }) {
  const place = typeof error.line === 'number' ? ` (line ${error.line}${typeof error.column === 'number' ? `, column ${error.column}` : ''})` : ''
  return (
    <div className="notice red" role="alert">
      <CircleAlert className="icon" aria-hidden />
      <div>
        <p>
          <strong>{error.kind}</strong>
          {place}: {error.message}
        </p>
        {error.stack ? <pre>{error.stack}</pre> : null}
      </div>
    </div>
  )
}
