/** The fields of a question's form. */
import type { FormField } from '../api/types'
import { CheckField, SelectField, TextAreaField, TextField } from '../ui/Field'
import type { Filled } from './decision-form'

interface Props {
  fields: FormField[]
  filled: Filled
  /** The fault of a field, by its name. */
  fault: (name: string) => string | undefined
  /** Whether what is required has to be filled in. */
  isApproved: boolean
  onChange: (filled: Filled) => void
}

export function DecisionForm({ fields, filled, fault, isApproved, onChange }: Props) {
  return fields.map((field, index) => {
    const set = (value: string | boolean) => onChange({ ...filled, [field.name]: value })
    const value = filled[field.name] ?? ''
    const label = field.label || field.name
    const isRequired = (field.required ?? false) && isApproved
    const common = { label, required: isRequired, error: fault(field.name), autoFocus: index === 0, value: String(value), onChange: ({ target }: { target: { value: string } }) => set(target.value) }
    switch (field.type) {
      case 'boolean':
        return (
          <div key={field.name}>
            <CheckField label={label} autoFocus={index === 0} checked={value === true} onChange={({ target }) => set(target.checked)} />
            {common.error ? <p className="error">{common.error}</p> : null}
          </div>
        )
      case 'number':
        return <TextField key={field.name} {...common} type="number" step="any" inputMode="decimal" />
      case 'date':
        return <TextField key={field.name} {...common} type="date" />
      case 'choice':
        return <SelectField key={field.name} {...common} options={[['', isRequired ? 'Choose one' : 'None'], ...(field.options ?? []).map((option) => [option, option] as const)]} />
      case 'text':
        return <TextAreaField key={field.name} {...common} rows={2} maxLength={10_000} />
    }
  })
}
