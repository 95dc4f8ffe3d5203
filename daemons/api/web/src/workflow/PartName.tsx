/** The name of a part of a workflow. It changes when the field is left, so that no half name is taken for one. */
import { useState } from 'react'
import { nameFault } from '../document/names'
import { TextField } from '../ui/Field'

interface Props {
  name: string
  /** What follows from another name. */
  hint: string
  /** What is wrong with a name that is one, if something is. */
  problemOf: (typed: string) => string | undefined
  onRename: (typed: string) => void
}

export function PartName({ name, hint, problemOf, onRename }: Props) {
  const [typed, setTyped] = useState(name)
  const [error, setError] = useState<string>()
  const rename = () => {
    if (typed === name) return
    const problem = nameFault(typed) ?? problemOf(typed)
    if (problem === undefined) onRename(typed)
    else setError(problem)
  }
  return (
    <TextField
      label="Name"
      className="mono"
      maxLength={63}
      hint={hint}
      error={error}
      value={typed}
      onChange={({ target }) => {
        setTyped(target.value)
        setError(undefined)
      }}
      onBlur={rename}
      onKeyDown={({ key }) => {
        if (key === 'Enter') rename()
      }}
    />
  )
}
