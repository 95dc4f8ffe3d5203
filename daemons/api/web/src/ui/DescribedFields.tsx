/** A form made from the description of its fields. */
import { type DescribedField, type Fields, valueAt, variantOf, withValue } from '../document/described'
import { CheckField, SelectField, TextAreaField, TextField } from './Field'
import { FileField } from './FileField'
import { JsonField } from './JsonField'
import { type Named, NamedField } from './NamedField'
import { PairsField } from './PairsField'
import { RowsField } from './RowsField'

interface Props {
  fields: readonly DescribedField[]
  value: Fields
  /** Changes with the same key within a moment are one step of undo. */
  onChange: (value: Fields, key: string) => void
  /** What is wrong at a place of the document. */
  faultOf?: (path: string) => string | undefined
  /** Whether what is typed holds bindings: code, and not words. */
  isCode?: boolean
}

export function DescribedFields({ fields, value, onChange, faultOf, isCode = false }: Props) {
  const shown = fields.filter((field) => field.when?.(value) !== false)
  return shown.map((field) => <One key={`${field.key}/${field.type}`} field={field} fields={value} className={isCode ? 'mono' : ''} error={faultOf?.(field.key)} onChange={(next) => onChange(withValue(value, field.key, next), field.key)} />)
}

interface OneProps {
  field: DescribedField
  fields: Fields
  className: string
  error: string | undefined
  onChange: (value: unknown) => void
}

const given = (text: string) => (text === '' ? undefined : text)

function One({ field, fields, className, error, onChange }: OneProps) {
  const value = valueAt(fields, field.key)
  const text = typeof value === 'string' ? value : ''
  const { label, hint } = field
  switch (field.type) {
    case 'check':
      return <CheckField label={label} checked={typeof value === 'boolean' ? value : (field.isOnByDefault ?? false)} onChange={({ target }) => onChange(target.checked)} />
    case 'choice':
      return <SelectField label={label} hint={hint} error={error} value={text || (field.options[0]?.[0] ?? '')} options={field.options} onChange={({ target }) => onChange(target.value)} />
    case 'variant':
      return <SelectField label={label} hint={hint} error={error} value={variantOf(field, fields)} options={field.options.map(([name, words]) => [name, words] as const)} onChange={({ target }) => onChange(field.options.find(([name]) => name === target.value)?.[2])} />
    case 'file':
      return <FileField label={label} hint={hint} error={error} accept={field.accept} value={text} onChange={onChange} />
  }
  const { placeholder, noun = 'row', isRequired = false } = field
  const shared = { label, hint, error, placeholder, required: isRequired, className }
  switch (field.type) {
    case 'text':
      return <TextField {...shared} value={text} onChange={({ target }) => onChange(isRequired ? target.value : given(target.value))} />
    case 'area':
      return <TextAreaField {...shared} rows={4} className="mono" value={text} onChange={({ target }) => onChange(isRequired ? target.value : given(target.value))} />
    case 'number':
      return <TextField {...shared} className="" type="number" min={0} value={typeof value === 'number' ? value : ''} onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? undefined : target.valueAsNumber)} />
    case 'json':
      return <JsonField label={label} hint={hint} placeholder={placeholder} value={value} onChange={(next) => onChange(next === undefined && isRequired ? null : next)} />
    case 'words':
      return <RowsField label={label} noun={noun} hint={hint} placeholder={placeholder} value={(value as string[] | undefined) ?? []} onChange={onChange} />
    case 'named':
      return <NamedField label={label} noun={noun} placeholder={placeholder} value={(value as Named[] | undefined) ?? []} onChange={onChange} />
    case 'pairs':
      return <PairsField label={label} noun={noun} placeholders={['name', placeholder ?? 'value']} value={(value as Record<string, string> | undefined) ?? {}} onChange={onChange} />
  }
}
