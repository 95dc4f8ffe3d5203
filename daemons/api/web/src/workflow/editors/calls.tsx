/** Editors of the blocks that call something: a database, code, another system. */
import { useStore } from 'zustand'
import { isWrite } from '../../document/query-ask'
import { AskEditor, AskFields } from '../../ui/AskFields'
import { CodeEditor } from '../../ui/CodeEditor'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import { completionsOf } from '../functions/calls'
import { RetrySection } from './RetrySection'
import type { EditorProps } from './change'
import { ExpressionField, HeadersField } from './fields'

export function QueryEditor({ block, change, faults }: EditorProps<'query'>) {
  return (
    <>
      <div className="panel-section compact">
        <div className="form-grid">
          <AskFields ask={block} change={change} />
        </div>
        {isWrite(block) ? <CheckField label="May be repeated after a crash (idempotent)" checked={block.idempotent ?? false} onChange={(event) => change({ idempotent: event.target.checked })} /> : null}
      </div>
      <AskEditor ask={block} change={change} formClass="panel-section" editorClass="panel-editor" label="SQL statement" faults={faults} placeholderText="select … where month = {{ trigger.body.month }}" />
      <RetrySection retry={block.retry} change={change} />
    </>
  )
}

export function CodeBlockEditor({ block, change, faults, store }: EditorProps<'code'>) {
  const functions = completionsOf(useStore(store, (state) => state.document), block.language)
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
        <CheckField label="May be repeated although it changes something (idempotent)" checked={block.idempotent ?? false} onChange={(event) => change({ idempotent: event.target.checked })} />
      </div>
      <div className="panel-editor">
        <CodeEditor label="Code" language={block.language} value={block.source} onChange={(source) => change({ source }, 'source')} faults={faults} functions={functions} />
      </div>
      <RetrySection retry={block.retry} change={change} />
    </>
  )
}

const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']

export function HttpEditor({ block, change, faults }: EditorProps<'http'>) {
  const method = block.method ?? 'GET'
  return (
    <>
      <div className="panel-section">
        <SelectField label="Method" value={method} options={methods.map((one) => [one, one] as const)} onChange={(event) => change({ method: event.target.value })} />
        <TextField
          label="Address"
          className="mono"
          placeholder="https://api.example.com/orders/{{ item.id }}"
          hint="Values in {{ }} are encoded for the place that they stand in. A status of 400 and above is a failure."
          value={block.url}
          onChange={(event) => change({ url: event.target.value }, 'url')}
        />
        <HeadersField value={block.headers ?? {}} onChange={(headers) => change({ headers }, 'headers')} />
        <ExpressionField label="Body" value={block.body ?? ''} onChange={(body) => change({ body: body.trim() === '' ? undefined : body }, 'body')} faults={faults} placeholderText="{ total: sum.total }" hint="A JavaScript expression: a text is sent as it is, anything else as JSON, nothing when empty." />
        {method === 'POST' || method === 'PATCH' ? <CheckField label="May be repeated (idempotent): it carries an Idempotency-Key" checked={block.idempotent ?? false} onChange={(event) => change({ idempotent: event.target.checked })} /> : null}
      </div>
      <RetrySection retry={block.retry} change={change} />
    </>
  )
}
