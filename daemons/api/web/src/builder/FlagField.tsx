/** Yes or no, or an expression that says which. */
import { useState } from 'react'
import type { Shown } from '../runtime/runtime'
import { Button } from '../ui/Button'
import { CheckField } from '../ui/Field'
import { BindingField } from './BindingField'

interface Props {
  label: string
  hint?: string
  value: unknown
  /** What it is as long as nobody says otherwise. */
  isOn: boolean
  shown: Shown | undefined
  onChange: (value: unknown) => void
}

export function FlagField({ label, hint, value, isOn, shown, onChange }: Props) {
  const [isChosen, setExpression] = useState(false)
  const isExpression = typeof value === 'string' || isChosen
  if (isExpression) {
    return (
      <div className="flag-field">
        <BindingField label={label} {...(hint ? { hint } : {})} value={typeof value === 'string' ? value : ''} shown={shown} onChange={onChange} />
        <Button
          variant="ghost"
          size="small"
          onClick={() => {
            setExpression(false)
            onChange(undefined)
          }}
        >
          Yes or no
        </Button>
      </div>
    )
  }
  return (
    <div className="flag-field" title={hint}>
      <CheckField label={label} checked={value === undefined ? isOn : value === true} onChange={(event) => onChange(event.target.checked === isOn ? undefined : event.target.checked)} />
      <Button variant="ghost" size="small" label={`${label} by an expression`} onClick={() => setExpression(true)}>
        {'{{ }}'}
      </Button>
    </div>
  )
}
