/** Which resource a query asks, and in which way. Apps, workflows and functions share it. */
import { useQuery } from '@tanstack/react-query'
import { Suspense, lazy } from 'react'
import { messageOf } from '../api/problem'
import type { ResourceQuery } from '../api/types'
import { type Ask, type Way, changed, fittedTo, isWrite, wayOf, waysOf, writtenAs } from '../document/query-ask'
import { resourcesQuery } from '../studio/lists'
import { SelectField, TextField } from './Field'
import { SqlEditor } from './SqlEditor'
import { StatementsForm } from './StatementsForm'
import { TableChangeForm } from './TableChangeForm'
import type { CodeEditorProps } from './code-mirror'
import { resourceOptions } from './resource-options'

/** Loaded when a query is an operation: most are SQL. */
const LibraryForm = lazy(() => import('./LibraryForm').then((module) => ({ default: module.LibraryForm })))
const OperationForm = lazy(() => import('./OperationForm').then((module) => ({ default: module.OperationForm })))

type Asked = Ask & Pick<ResourceQuery, 'resource' | 'cache-seconds'>
type Change = (part: Partial<Asked>, key?: string) => void

const ways: Record<Way, string> = { sql: 'SQL', list: 'SQL: several, all or none', form: 'Form: change a table', operation: 'Operation', library: 'Query of the library' }

/** The kind of a resource; nothing while it is not known. */
export function useKind(resource: string): string | undefined {
  return useQuery(resourcesQuery).data?.find((one) => one.name === resource)?.kind
}

/** The longest time that a result is kept: a day. */
const maxCacheSeconds = 86_400

export function AskFields({ ask, change: changeAsk, isOwn = false }: { ask: Asked; change: Change; /** Whether it is one of the library itself. */ isOwn?: boolean }) {
  const change: Change = (part, key) => changeAsk(changed(ask, part), key)
  const resources = useQuery(resourcesQuery)
  const kindOf = (name: string) => resources.data?.find((one) => one.name === name)?.kind
  const kind = kindOf(ask.resource)
  const way = wayOf(ask)
  const offered = [...new Set([...waysOf(kind), way])].filter((one) => !isOwn || one !== 'library')
  return (
    <>
      <SelectField
        label="Resource"
        disabled={way === 'library'}
        value={ask.resource}
        error={resources.isError ? messageOf(resources.error) : undefined}
        options={resourceOptions(resources.data?.map((resource) => resource.name) ?? [], ask.resource)}
        onChange={({ target }) => {
          const next = kindOf(target.value)
          // Of a resource that is not known nothing tells that it is asked otherwise.
          change({ resource: target.value, ...(next === undefined ? {} : fittedTo(next, ask)) })
        }}
      />
      {offered.length > 1 ? <SelectField label="Written as" value={way} options={offered.map((one) => [one, ways[one]] as const)} onChange={({ target }) => change(writtenAs(target.value as Way, kind))} /> : null}
      <SelectField
        label="Mode"
        disabled={way !== 'sql'}
        value={isWrite(ask) ? 'write' : 'read'}
        options={[
          ['read', 'Reads'],
          ['write', 'Writes'],
        ]}
        onChange={({ target }) => change({ mode: target.value === 'write' ? 'write' : 'read' })}
      />
      {isWrite(ask) || way === 'library' ? null : (
        <div className="whole">
          <TextField
            label="Keep its result (seconds)"
            type="number"
            min={0}
            max={maxCacheSeconds}
            placeholder="0"
            hint="Who asks the same with the same values is given it again. 0 reads each time, as running it here does."
            value={ask['cache-seconds'] || ''}
            onChange={({ target }) => change({ 'cache-seconds': Math.min(Math.max(Math.trunc(target.valueAsNumber) || 0, 0), maxCacheSeconds) }, 'cache-seconds')}
          />
        </div>
      )}
    </>
  )
}

type EditorProps = Pick<CodeEditorProps, 'label' | 'faults' | 'onRun' | 'placeholderText' | 'complete'> & {
  ask: Asked
  change: Change
  /** The class of what surrounds a statement's editor, if anything does, and a form. */
  editorClass?: string
  formClass: string
}

export function AskEditor({ ask, change: changeAsk, editorClass, formClass, ...editor }: EditorProps) {
  const change: Change = (part, key) => changeAsk(changed(ask, part), key)
  const kind = useKind(ask.resource)
  if (ask.library) {
    return (
      <div className={formClass}>
        <Suspense>
          <LibraryForm library={ask.library} change={change} />
        </Suspense>
      </div>
    )
  }
  if (ask.change) {
    return (
      <div className={formClass}>
        <TableChangeForm resource={ask.resource} change={ask.change} onChange={(next, key) => change({ change: next }, key && `change.${key}`)} />
      </div>
    )
  }
  if (ask.operation) {
    return (
      <div className={formClass}>
        <Suspense>
          <OperationForm resource={ask.resource} kind={kind} operation={ask.operation} onChange={(operation, key) => change({ operation }, key && `operation.${key}`)} />
        </Suspense>
      </div>
    )
  }
  if (ask.statements?.length) {
    return (
      <div className={formClass}>
        <StatementsForm resource={ask.resource} statements={ask.statements} onChange={(statements, key) => change({ statements }, key)} {...(editor.onRun ? { onRun: editor.onRun } : {})} />
      </div>
    )
  }
  const statement = <SqlEditor {...editor} resource={ask.resource} value={ask.statement ?? ''} onChange={(text) => change({ statement: text }, 'statement')} />
  return editorClass ? <div className={editorClass}>{statement}</div> : statement
}
