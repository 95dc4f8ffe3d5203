/** The fields of a form that somebody fills in when they decide. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { FieldKind, FormField } from '../../api/types'
import { Button } from '../../ui/Button'
import { CheckField, SelectField, TextAreaField, TextField } from '../../ui/Field'

const kinds: readonly (readonly [FieldKind, string])[] = [
  ['text', 'Text'],
  ['number', 'Number'],
  ['boolean', 'Yes or no'],
  ['choice', 'Choice'],
  ['date', 'Date'],
]
/** As many as the server takes. */
const maxFields = 50

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

interface Props {
  fields: FormField[]
  /** The fault of a place in the form: `0.options`, say. */
  fault: (key: string) => string | undefined
  onChange: (fields: FormField[], key?: string) => void
}

export function FormEditor({ fields, fault, onChange }: Props) {
  const edit = (index: number, next: Partial<FormField>, key?: string) => onChange(fields.map((field, at) => (at === index ? said({ ...field, ...next }) : field)), key && `${index}.${key}`)
  const move = (index: number, by: number) => {
    const moved = [...fields]
    moved.splice(index + by, 0, ...moved.splice(index, 1))
    onChange(moved)
  }
  return (
    <section className="panel-section">
      <header>
        <h3>Form</h3>
        <Button size="small" icon={Plus} disabled={fields.length >= maxFields} onClick={() => onChange([...fields, { name: freeName(fields), type: 'text' }])}>
          Add field
        </Button>
      </header>
      {fields.length === 0 ? <p className="muted">Without fields there is a comment alone. What is filled in is part of the result, as form.</p> : null}
      {fields.map((field, index) => (
        <fieldset key={index} className="card form-field" aria-label={`Field ${field.name || index + 1}`}>
          <div className="form-grid">
            <TextField label="Name" className="mono" error={fault(`${index}.name`) ?? nameFault(fields, index)} value={field.name} onChange={({ target }) => edit(index, { name: target.value }, 'name')} />
            <SelectField label="Type" value={field.type} options={kinds} onChange={({ target }) => edit(index, ofKind(field, target.value as FieldKind))} />
          </div>
          <TextField label="Label" placeholder={field.name} error={fault(`${index}.label`)} value={field.label ?? ''} onChange={({ target }) => edit(index, { label: target.value }, 'label')} />
          {field.type === 'choice' ? <OptionsField options={field.options ?? []} error={fault(`${index}.options`) ?? field.options?.map((_, at) => fault(`${index}.options.${at}`)).find(Boolean)} onChange={(options) => edit(index, { options }, 'options')} /> : null}
          <DefaultField field={field} error={fault(`${index}.default`)} onChange={(value) => edit(index, { default: value }, 'default')} />
          <div className="row">
            <CheckField label="Required to approve" checked={field.required ?? false} onChange={({ target }) => edit(index, { required: target.checked })} />
            <span className="row-tools push">
              <Button variant="ghost" size="small" icon={ArrowUp} label={`Move ${field.name} up`} disabled={index === 0} onClick={() => move(index, -1)} />
              <Button variant="ghost" size="small" icon={ArrowDown} label={`Move ${field.name} down`} disabled={index === fields.length - 1} onClick={() => move(index, 1)} />
              <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${field.name}`} onClick={() => onChange(fields.filter((_, at) => at !== index))} />
            </span>
          </div>
        </fieldset>
      ))}
    </section>
  )
}

function OptionsField({ options, error, onChange }: { options: string[]; error: string | undefined; onChange: (options: string[]) => void }) {
  const [typed, setTyped] = useState('')
  return (
    <TextAreaField
      label="Options"
      rows={3}
      hint="One per line."
      error={error}
      value={linesOf(typed).join('\n') === options.join('\n') ? typed : options.join('\n')}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(linesOf(target.value))
      }}
    />
  )
}

function DefaultField({ field, error, onChange }: { field: FormField; error: string | undefined; onChange: (value: unknown) => void }) {
  const common = { label: 'At the start', placeholder: 'Empty', error }
  const value = field.default
  switch (field.type) {
    case 'boolean':
      return <CheckField label="Ticked at the start" checked={value === true} onChange={({ target }) => onChange(target.checked || null)} />
    case 'number':
      return <TextField {...common} type="number" step="any" value={typeof value === 'number' ? value : ''} onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber)} />
    case 'date':
      return <TextField {...common} type="date" value={typeof value === 'string' ? value : ''} onChange={({ target }) => onChange(target.value || null)} />
    case 'choice':
      return <SelectField {...common} value={typeof value === 'string' ? value : ''} options={[['', 'Nothing chosen'], ...(field.options ?? []).map((option) => [option, option] as const)]} onChange={({ target }) => onChange(target.value || null)} />
    case 'text':
      return <TextField {...common} value={typeof value === 'string' ? value : ''} onChange={({ target }) => onChange(target.value || null)} />
  }
}

/** Of another type: what only the one before had is gone. */
export function ofKind(field: FormField, type: FieldKind): FormField {
  const { options: _, default: __, ...rest } = field
  return type === 'choice' ? { ...rest, type, options: field.options ?? ['Yes', 'No'] } : { ...rest, type, options: [], default: null }
}

/** Without what says nothing. */
function said({ label, required, options, default: value, ...rest }: FormField): FormField {
  return { ...rest, ...(label ? { label } : {}), ...(required ? { required } : {}), ...(options && options.length > 0 ? { options } : {}), ...(value === null || value === undefined ? {} : { default: value }) }
}

function nameFault(fields: FormField[], index: number): string | undefined {
  const name = fields[index]?.name ?? ''
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) return 'Use a letter, then letters, digits or _.'
  return fields.findIndex((field) => field.name === name) === index ? undefined : 'Another field has this name.'
}

function freeName(fields: FormField[]): string {
  let number = fields.length + 1
  while (fields.some((field) => field.name === `field${number}`)) number += 1
  return `field${number}`
}
