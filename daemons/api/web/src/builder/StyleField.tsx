/** The app's style sheet. One that cannot be read is kept, and does nothing until it is mended: its editor says where. */
import { useMemo, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument } from '../api/types'
import { scopedStyle } from '../components/style/scoped'
import type { DraftStore } from '../document/draft-store'
import { CodeEditor } from '../ui/CodeEditor'
import type { EditorFault } from '../ui/code-mirror'

const example = `.urgent {
  border-left: 3px solid var(--red-solid);
}`

export function StyleField({ store }: { store: DraftStore<AppDocument> }) {
  const style = useStore(store, ({ document }) => document.style) ?? ''
  const [isOpen, setOpen] = useState(style !== '')
  const made = useMemo(() => scopedStyle(style), [style])
  const faults = useMemo((): EditorFault[] => ('problem' in made ? [{ message: made.problem, line: made.line }] : []), [made])
  const change = (text: string) =>
    store.edit((draft) => {
      if (text.trim() === '') delete draft.style
      else draft.style = text
    }, 'style')
  return (
    <details className="field" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Style sheet</summary>
      {isOpen ? (
        <div className="code-field">
          <CodeEditor label="Style sheet" language="css" value={style} faults={faults} placeholderText={example} onChange={change} />
        </div>
      ) : null}
      {'problem' in made ? (
        <p className="error" role="alert">
          Line {made.line}: {made.problem}
        </p>
      ) : (
        <p className="hint">CSS for this app alone. A component of the class urgent is .urgent; one of any name is [data-component="name"].</p>
      )}
    </details>
  )
}
