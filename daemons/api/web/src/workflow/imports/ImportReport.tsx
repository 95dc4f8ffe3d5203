/** The report of an import: what is missing first, what was translated folded up; as a text to take along. */
import { Check, ChevronRight, Copy, Download } from 'lucide-react'
import { useState } from 'react'
import type { ImportNote } from '../../api/types'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { saveFile } from '../../ui/save-file'
import { ErrorNotice } from '../../ui/states'
import { countsText, groupsOf, n8n, nodeOf, type Origin, partsOf, reportText } from './report'
import './imports.css'

interface Props {
  /** Of the workflow. */
  name: string
  slug: string
  report: ImportNote[]
  origin?: Origin
}

export function ImportReport({ name, slug, report, origin = n8n }: Props) {
  const groups = groupsOf(report)
  return (
    <section className="import-report" aria-label="Report">
      <header>
        <h3>Report</h3>
        <p className="grow muted">{countsText(report)}</p>
        {groups.length > 0 ? <TakeAlong name={name} slug={slug} report={report} origin={origin} /> : null}
      </header>
      {groups.length > 0 ? (
        <div className="import-notes" tabIndex={0} role="group" aria-label="What became of each node">
          {groups.map(({ level, title, tone, asks, notes }) => (
            <details key={level} open={level !== 'translated' || groups.length === 1}>
              <summary>
                <ChevronRight className="icon turner" strokeWidth={1.5} aria-hidden />
                <Badge tone={tone}>
                  {title} {notes.length.toLocaleString('en')}
                </Badge>
                <span className="muted">{asks}</span>
              </summary>
              <ul>
                {notes.map((note, index) => (
                  <Note key={index} note={note} whole={origin.whole} />
                ))}
              </ul>
            </details>
          ))}
        </div>
      ) : (
        <p className="muted">The file has nothing to tell about.</p>
      )}
    </section>
  )
}

function Note({ note, whole }: { note: ImportNote; whole: string }) {
  return (
    <li>
      <div>
        <strong>{nodeOf(note, whole)}</strong>
        {note.block ? (
          <div className="muted">
            <span className="visually-hidden">Block </span>
            <code>{note.block}</code>
          </div>
        ) : null}
      </div>
      <p>{partsOf(note.message).map(({ text, isCode }, index) => (isCode ? <code key={index}>{text}</code> : text))}</p>
    </li>
  )
}

function TakeAlong({ name, slug, report, origin }: Required<Props>) {
  const [copied, setCopied] = useState<'copied' | 'refused'>()
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(reportText({ name, report }, origin))
      setCopied('copied')
      setTimeout(() => setCopied(undefined), 2000)
    } catch {
      // Not over plain HTTP, nor where the browser was told so.
      setCopied('refused')
    }
  }
  const download = () => saveFile(`${slug || 'app'}-import.txt`, reportText({ name, report }, origin), 'text/plain')
  return (
    <>
      <span className="row wrap">
        <Button size="small" icon={copied === 'copied' ? Check : Copy} onClick={() => void copy()}>
          {copied === 'copied' ? 'Copied' : 'Copy report'}
        </Button>
        <Button size="small" icon={Download} onClick={download}>
          Download report
        </Button>
      </span>
      {copied === 'refused' ? <ErrorNotice error={new Error('The browser does not let this page copy. Download the report instead.')} /> : null}
    </>
  )
}
