/** Two texts, line by line: what is only in the one, what only in the other, and some of what is around it. */
import { useMemo } from 'react'
import { textDiff } from '../document/text-diff'
import './text-diff.css'

export function TextDiff({ before, after, label }: { before: string; after: string; label: string }) {
  const hunks = useMemo(() => textDiff(before, after), [before, after])
  return (
    <div className="diff-text" role="region" aria-label={label} tabIndex={0}>
      {hunks.map((hunk, index) => (
        <div key={index}>
          {hunk.skipped > 0 ? <p className="diff-skipped muted">{hunk.skipped.toLocaleString('en')} equal lines</p> : null}
          {hunk.lines.map((line, at) => (
            <div key={at} className={`diff-line ${line.kind}`}>
              <span className="diff-number">{line.before ?? ''}</span>
              <span className="diff-number">{line.after ?? ''}</span>
              <span className="diff-sign">{{ same: ' ', removed: '−', added: '+' }[line.kind]}</span>
              <code>{line.text}</code>
            </div>
          ))}
        </div>
      ))}
    </div>
  )
}
