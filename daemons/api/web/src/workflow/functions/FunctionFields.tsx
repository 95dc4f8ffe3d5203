/** What a function does: its parameters, and its code or statement. */
import type { WorkflowFunction } from '../../api/types'
import { AskEditor, AskFields } from '../../ui/AskFields'
import { CodeEditor } from '../../ui/CodeEditor'
import { SelectField } from '../../ui/Field'
import { WordsField } from '../editors/fields'

interface Props {
  one: WorkflowFunction
  /** Those that its code may call. */
  functions: string[]
  /** Changes with the same key within a moment are one step of undo. */
  change: (next: Partial<WorkflowFunction>, key?: string) => void
}

export function FunctionFields({ one, functions, change }: Props) {
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
        <AskFields ask={one} change={change} />
      </div>
      <AskEditor ask={one} change={change} formClass="" editorClass="function-editor" label="Statement of the function" placeholderText="select … where id = {{ id }}" />
    </>
  )
}
