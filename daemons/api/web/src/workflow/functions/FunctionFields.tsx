/** What a function does: its parameters, and its code or statement. */
import { useQuery } from '@tanstack/react-query'
import { messageOf } from '../../api/problem'
import type { WorkflowFunction } from '../../api/types'
import { writtenAs } from '../../document/table-change'
import { resourcesQuery } from '../../studio/lists'
import { CodeEditor } from '../../ui/CodeEditor'
import { SelectField } from '../../ui/Field'
import { SqlEditor } from '../../ui/SqlEditor'
import { TableChangeForm } from '../../ui/TableChangeForm'
import { resourceOptions } from '../../ui/resource-options'
import { WordsField } from '../editors/fields'

interface Props {
  one: WorkflowFunction
  /** Those that its code may call. */
  functions: string[]
  /** Changes with the same key within a moment are one step of undo. */
  change: (next: Partial<WorkflowFunction>, key?: string) => void
}

export function FunctionFields({ one, functions, change }: Props) {
  const resources = useQuery({ ...resourcesQuery, enabled: one.type === 'query' })
  const parameters = <WordsField label="Parameters" hint={one.type === 'query' ? 'The statement binds each as {{ name }}.' : 'The code sees each as a variable, and nothing else of the run.'} placeholder="id, name" value={one.parameters ?? []} onChange={(next) => change({ parameters: next }, 'parameters')} />
  if (one.type === 'code') {
    return (
      <>
        {parameters}
        <SelectField
          label="Language"
          hint="It is called from blocks of this language."
          value={one.language}
          options={[
            ['javascript', 'JavaScript (Node.js)'],
            ['python', 'Python'],
          ]}
          onChange={({ target }) => change({ language: target.value === 'python' ? 'python' : 'javascript' })}
        />
        <div className="function-editor">
          <CodeEditor label="Code of the function" language={one.language} value={one.source} onChange={(source) => change({ source }, 'source')} functions={functions} />
        </div>
      </>
    )
  }
  return (
    <>
      {parameters}
      <div className="form-grid">
        <SelectField
          label="Resource"
          value={one.resource}
          error={resources.isError ? messageOf(resources.error) : undefined}
          options={resourceOptions(resources.data?.map((resource) => resource.name) ?? [], one.resource)}
          onChange={({ target }) => change({ resource: target.value })}
        />
        <SelectField
          label="Written as"
          value={one.change ? 'form' : 'sql'}
          options={[
            ['sql', 'SQL'],
            ['form', 'Form: change a table'],
          ]}
          onChange={({ target }) => change(writtenAs(target.value === 'form' ? 'form' : 'sql'))}
        />
        {one.change ? null : (
          <SelectField
            label="Mode"
            value={one.mode ?? 'read'}
            options={[
              ['read', 'Reads'],
              ['write', 'Writes'],
            ]}
            onChange={({ target }) => change({ mode: target.value === 'write' ? 'write' : 'read' })}
          />
        )}
      </div>
      {one.change ? (
        <TableChangeForm resource={one.resource} change={one.change} onChange={(next, key) => change({ change: next }, key && `change.${key}`)} />
      ) : (
        <div className="function-editor">
          <SqlEditor label="Statement of the function" resource={one.resource} value={one.statement ?? ''} onChange={(statement) => change({ statement }, 'statement')} placeholderText="select … where id = {{ id }}" />
        </div>
      )}
    </>
  )
}
