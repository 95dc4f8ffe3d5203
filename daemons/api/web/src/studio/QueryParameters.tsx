/** The parameters of a query of the library. */
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { LibraryParameter, LibraryQuery } from '../api/types'
import { parseJson } from '../document/json-text'
import { Button } from '../ui/Button'
import { CheckField, TextField } from '../ui/Field'

interface Props {
  document: LibraryQuery
  change: (part: Partial<LibraryQuery>) => void
}

export function QueryParameters({ document, change }: Props) {
  const [name, setName] = useState('')
  const parameters = document.parameters ?? {}
  const isSound = /^[a-z_][a-z\d_]*$/i.test(name) && !(name in parameters)
  const set = (of: string, parameter: LibraryParameter) => change({ parameters: { ...parameters, [of]: parameter } })
  const remove = (of: string) => {
    const { [of]: _, ...others } = parameters
    change({ parameters: others })
  }
  const add = () => {
    set(name, {})
    setName('')
  }
  return (
    <section className="stack" aria-label="Parameters">
      <h2>Parameters</h2>
      <p className="muted">
        The statement binds each by its name, as {'{{ customer }}'}. current_user.id, .email, .name, .is_admin and environment.name need no parameter.
      </p>
      {Object.entries(parameters).map(([of, parameter]) => (
        <div key={of} className="form-grid" role="group" aria-label={of}>
          <TextField label={of} placeholder="What it is" value={parameter.description ?? ''} onChange={({ target }) => set(of, { ...parameter, description: target.value })} />
          <DefaultField parameter={parameter} onChange={(next) => set(of, next)} />
          <CheckField label="Never in the audit trail" checked={parameter.hidden ?? false} onChange={({ target }) => set(of, { ...parameter, hidden: target.checked })} />
          <Button variant="ghost" size="small" icon={Trash2} onClick={() => remove(of)}>
            Remove {of}
          </Button>
        </div>
      ))}
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault()
          if (isSound) add()
        }}
      >
        <TextField label="New parameter" className="mono" placeholder="customer" value={name} onChange={({ target }) => setName(target.value)} />
        <Button type="submit" icon={Plus} disabled={!isSound}>
          Add parameter
        </Button>
      </form>
    </section>
  )
}

function DefaultField({ parameter, onChange }: { parameter: LibraryParameter; onChange: (parameter: LibraryParameter) => void }) {
  const [text, setText] = useState(parameter.default === undefined ? '' : JSON.stringify(parameter.default))
  const parsed = parseJson(text)
  const type = (next: string) => {
    setText(next)
    const value = parseJson(next)
    const { default: _, ...others } = parameter
    if (next.trim() === '') onChange(others)
    else if ('value' in value) onChange({ ...others, default: value.value })
  }
  return <TextField label="Default" className="mono" placeholder="None: it has to be given" hint="JSON, such as &quot;open&quot;, 10 or null." error={'error' in parsed ? parsed.error : undefined} value={text} onChange={({ target }) => type(target.value)} />
}
