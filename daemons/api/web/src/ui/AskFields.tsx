/** Which resource a query asks, and in which way. Apps, workflows and functions share it. */
import { useQuery } from '@tanstack/react-query'
import { messageOf } from '../api/problem'
import { type Ask, type Way, fittedTo, isWrite, wayOf, waysOf, writtenAs } from '../document/query-ask'
import { resourcesQuery } from '../studio/lists'
import { SelectField } from './Field'
import { OperationForm } from './OperationForm'
import { SqlEditor } from './SqlEditor'
import { TableChangeForm } from './TableChangeForm'
import type { CodeEditorProps } from './code-mirror'
import { resourceOptions } from './resource-options'

type Asked = Ask & { resource: string }
type Change = (part: Partial<Asked>, key?: string) => void

const ways: Record<Way, string> = { sql: 'SQL', form: 'Form: change a table', operation: 'Operation' }

/** The kind of a resource; nothing while it is not known. */
export function useKind(resource: string): string | undefined {
  return useQuery(resourcesQuery).data?.find((one) => one.name === resource)?.kind
}

export function AskFields({ ask, change }: { ask: Asked; change: Change }) {
  const resources = useQuery(resourcesQuery)
  const kindOf = (name: string) => resources.data?.find((one) => one.name === name)?.kind
  const kind = kindOf(ask.resource)
  const way = wayOf(ask)
  const offered = [...new Set([...waysOf(kind), way])]
  return (
    <>
      <SelectField
        label="Resource"
        value={ask.resource}
        error={resources.isError ? messageOf(resources.error) : undefined}
        options={resourceOptions(resources.data?.map((resource) => resource.name) ?? [], ask.resource)}
        onChange={({ target }) => change({ resource: target.value, ...fittedTo(kindOf(target.value), ask) })}
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
    </>
  )
}

type EditorProps = Pick<CodeEditorProps, 'label' | 'faults' | 'onRun' | 'placeholderText'> & {
  ask: Asked
  change: Change
  /** The class of what surrounds a statement's editor, if anything does, and a form. */
  editorClass?: string
  formClass: string
}

export function AskEditor({ ask, change, editorClass, formClass, ...editor }: EditorProps) {
  const kind = useKind(ask.resource)
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
        <OperationForm kind={kind} operation={ask.operation} onChange={(operation, key) => change({ operation }, key && `operation.${key}`)} />
      </div>
    )
  }
  const statement = <SqlEditor {...editor} resource={ask.resource} value={ask.statement ?? ''} onChange={(text) => change({ statement: text }, 'statement')} />
  return editorClass ? <div className={editorClass}>{statement}</div> : statement
}
