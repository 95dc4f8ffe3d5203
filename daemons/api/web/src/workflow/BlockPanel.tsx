/** The editor of one block: what it does, its faults, and running it alone. */
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Block, RunError, WorkflowDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { resourcesQuery } from '../studio/lists'
import { Button } from '../ui/Button'
import { CodeEditor } from '../ui/CodeEditor'
import { CheckField, SelectField, TextField } from '../ui/Field'
import { SqlEditor } from '../ui/SqlEditor'
import type { EditorFault } from '../ui/code-mirror'
import { messageOf } from '../api/problem'
import { resourceOptions } from '../ui/resource-options'
import { BlockRunner } from './BlockRunner'
import { kinds } from './blocks'
import { removeBlock, renameBlock } from './edits'

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
    store.edit((draft) => void (draft.blocks[name] = { ...draft.blocks[name], ...next } as Block), key && `${name}.${key}`)
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
      <Editor block={block} change={change} faults={editorFaults} />
      <BlockRunner slug={slug} name={name} block={block} store={store} onError={setRunError} />
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
    if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(typed)) return setError('Use a letter, then letters, digits or _.')
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

function Editor({ block, change, faults }: { block: Block; change: (next: Partial<Block>, key?: string) => void; faults: EditorFault[] }) {
  const resources = useQuery(resourcesQuery)
  switch (block.type) {
    case 'query':
      return (
        <>
          <div className="panel-section compact">
            <div className="form-grid">
              <SelectField
                label="Resource"
                value={block.resource}
                error={resources.isError ? messageOf(resources.error) : undefined}
                options={resourceOptions(resources.data?.map((resource) => resource.name) ?? [], block.resource)}
                onChange={(event) => change({ resource: event.target.value })}
              />
              <SelectField
                label="Mode"
                value={block.mode ?? 'read'}
                options={[
                  ['read', 'Reads'],
                  ['write', 'Writes'],
                ]}
                onChange={(event) => change({ mode: event.target.value === 'write' ? 'write' : 'read' })}
              />
            </div>
            {block.mode === 'write' ? <CheckField label="May be repeated after a crash (idempotent)" checked={block.idempotent ?? false} onChange={(event) => change({ idempotent: event.target.checked })} /> : null}
          </div>
          <div className="panel-editor">
            <SqlEditor label="SQL statement" resource={block.resource} value={block.statement} onChange={(statement) => change({ statement }, 'statement')} faults={faults} placeholderText="select … where month = {{ trigger.body.month }}" />
          </div>
        </>
      )
    case 'code':
      return (
        <>
          <div className="panel-section compact">
            <div className="form-grid">
              <SelectField
                label="Language"
                value={block.language}
                options={[
                  ['javascript', 'JavaScript (Node.js)'],
                  ['python', 'Python'],
                ]}
                onChange={(event) => change({ language: event.target.value === 'python' ? 'python' : 'javascript' })}
              />
              <TextField label="Time limit (ms)" type="number" min={1} max={300000} value={block['timeout-ms'] ?? 10000} onChange={(event) => change({ 'timeout-ms': event.target.valueAsNumber || 0 }, 'timeout')} />
            </div>
          </div>
          <div className="panel-editor">
            <CodeEditor label="Code" language={block.language} value={block.source} onChange={(source) => change({ source }, 'source')} faults={faults} />
          </div>
        </>
      )
    case 'branch':
      return (
        <div className="panel-section">
          <div className="field">
            <span className="label">Condition</span>
            <CodeEditor label="Condition" language="javascript" isShort value={block.condition} onChange={(condition) => change({ condition }, 'condition')} faults={faults} placeholderText="load.rows.length > 0" />
            <p className="hint">A JavaScript expression. When it holds the run leaves by “true”, else by “false”.</p>
          </div>
        </div>
      )
    case 'response':
      return (
        <div className="panel-section">
          <TextField label="HTTP status" type="number" min={200} max={599} value={block.status ?? 200} onChange={(event) => change({ status: event.target.valueAsNumber || 0 }, 'status')} />
          <div className="field">
            <span className="label">Body</span>
            <CodeEditor label="Body" language="javascript" isShort value={block.body} onChange={(body) => change({ body }, 'body')} faults={faults} placeholderText="{ total: sum.total }" />
            <p className="hint">A JavaScript expression; its value is sent as JSON. The run goes on afterwards.</p>
          </div>
        </div>
      )
  }
}
