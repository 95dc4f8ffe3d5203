/** The name of a part of the app, which can be changed; what refers to it follows. */
import { useState } from 'react'
import { TextField } from '../ui/Field'

interface Props {
  name: string
  /** Why the part cannot have this name; nothing when it can. */
  problemOf: (name: string) => string | undefined
  onRename: (name: string) => Promise<void>
}

export function RenameField({ name, problemOf, onRename }: Props) {
  const [typed, setTyped] = useState(name)
  const [error, setError] = useState<string>()
  const rename = async () => {
    if (typed === name) return
    const problem = problemOf(typed)
    if (problem) setError(problem)
    else await onRename(typed)
  }
  return (
    <TextField
      label="Name"
      className="mono"
      error={error}
      value={typed}
      onChange={(event) => {
        setTyped(event.target.value)
        setError(undefined)
      }}
      onBlur={() => void rename()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void rename()
      }}
    />
  )
}
