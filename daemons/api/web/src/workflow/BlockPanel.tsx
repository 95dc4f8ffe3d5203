/** The editor of one block: what it does, its faults, and running it alone. */
import { CircleAlert, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Block, RunError, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { nameFault } from '../document/names'
import { Button } from '../ui/Button'
import type { EditorFault } from '../ui/code-mirror'
import { BlockRunner } from './BlockRunner'
import { kinds } from './blocks'
import { Editor } from './editors/Editor'
import { WaysOut } from './WaysOut'
import { removeBlock, renameBlock, setFields } from './edits'

interface Props {
  slug: string
  name: string
  block: Block
  store: DraftStore<WorkflowDocument>
  faults: string[]
  onRenamed: (name: string) => void
  onRemoved: () => void
}

export function BlockPanel({ slug, name, block, store, faults, onRenamed, onRemoved }: Props) {
  const [runError, setRunError] = useState<RunError | { message: string; position?: number }>()
  const change = (next: Partial<Block>, key?: string) => {
    setRunError(undefined)
    store.edit((draft) => setFields(draft, name, next), key && `${name}.${key}`)
  }
  const editorFaults: EditorFault[] = runError ? [{ message: runError.message, ...placeOf(runError) }] : []
  return (
    <>
      <div className="panel-head">
        <BlockName name={name} store={store} onRenamed={onRenamed} />
        <span className="muted nowrap">{kinds[block.type].text}</span>
        <Button
          variant="ghost"
          size="small"
          icon={Trash2}
          label="Delete block"
          onClick={() => {
            store.edit((draft) => removeBlock(draft, name))
            onRemoved()
          }}
        />
      </div>
      {faults.map((fault) => (
        <div key={fault} className="notice red run-notice" role="alert">
          <CircleAlert className="icon" aria-hidden />
          {fault}
        </div>
      ))}
      <Editor name={name} block={block} change={change} faults={editorFaults} store={store} />
      <WaysOut name={name} block={block} store={store} />
      {block.type === 'parallel' || block.type === 'try' ? null : <BlockRunner slug={slug} name={name} block={block} store={store} onError={setRunError} />}
    </>
  )
}

function placeOf(error: RunError | { message: string; position?: number }): { line?: number; column?: number; position?: number } {
  if ('position' in error && error.position !== undefined) return { position: error.position }
  if ('line' in error && typeof error.line === 'number') return { line: error.line, ...(typeof error.column === 'number' ? { column: error.column } : {}) }
  return {}
}

function BlockName({ name, store, onRenamed }: { name: string; store: DraftStore<WorkflowDocument>; onRenamed: (name: string) => void }) {
  const [typed, setTyped] = useState(name)
  const [error, setError] = useState<string>()
  const rename = async () => {
    const { document } = store.getState()
    if (typed === name) return
    const fault = nameFault(typed)
    if (fault) return setError(fault)
    if (typed in document.blocks) return setError('Another block has this name.')
    const { rewriteReferences } = await import('./rewrite')
    store.edit((draft) => renameBlock(draft, name, typed, rewriteReferences(document, name, typed)))
    onRenamed(typed)
  }
  return (
    <div className="grow compact field">
      <input
        className="input"
        aria-label="Name of the block"
        aria-invalid={error ? true : undefined}
        title={error}
        value={typed}
        spellCheck={false}
        onChange={(event) => {
          setTyped(event.target.value)
          setError(undefined)
        }}
        onBlur={() => void rename()}
        onKeyDown={(event) => {
          if (event.key === 'Enter') void rename()
        }}
      />
      {error ? <p className="error">{error}</p> : null}
    </div>
  )
}
