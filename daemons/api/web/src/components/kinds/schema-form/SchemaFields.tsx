/** Fields of an object, as a schema describes them. */
import { Plus, Trash2 } from 'lucide-react'
import { type ReactNode, useId } from 'react'
import { asType, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { JsonField } from '../../../ui/JsonField'
import { titleOf } from '../../../ui/grid-columns'
import { RequiredMark } from '../../input'
import { localText } from '../datetime/local-time'
import { t } from '../../../messages/messages'
import { type Schema, fieldsOf, isBlank, kindOf, schemaOf, withoutEmpty } from './schema'

interface Props {
  schema: Schema
  value: unknown
  path: string
  depth: number
  isDisabled: boolean
  problems: Record<string, string>
  onChange: (value: unknown) => void
}

export function SchemaFields({ schema, value, path, depth, isDisabled, problems, onChange }: Props) {
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  return fieldsOf(schema).map((field) => (
    <SchemaField
      key={field.key}
      schema={field.schema}
      label={textOf(field.schema.title) || titleOf(field.key)}
      isRequired={field.isRequired}
      value={object[field.key]}
      path={path === '' ? field.key : `${path}.${field.key}`}
      depth={depth}
      isDisabled={isDisabled}
      problems={problems}
      onChange={(next) => onChange(withoutEmpty({ ...object, [field.key]: next }))}
    />
  ))
}

function SchemaField({ label, isRequired, ...props }: Props & { label: string; isRequired: boolean }) {
  const { schema, value, path, depth, isDisabled, problems, onChange } = props
  const id = useId()
  const kind = kindOf(schema, depth)
  const problem = problems[path]
  const hint = textOf(schema.description)
  const below = problem ?? hint
  const control = { id, className: 'input', disabled: isDisabled, 'aria-required': isRequired || undefined, 'aria-invalid': problem ? (true as const) : undefined, 'aria-describedby': below ? `${id}-below` : undefined }
  const framed = (content: ReactNode) => (
    <fieldset className="schema-group">
      <legend className="label">
        {label}
        {isRequired ? <RequiredMark /> : null}
      </legend>
      {hint ? <p className="hint">{hint}</p> : null}
      {content}
    </fieldset>
  )
  if (kind === 'object') return framed(<SchemaFields {...props} depth={depth + 1} />)
  if (kind === 'list') return framed(<ListFields {...props} />)
  if (kind === 'fixed') return null
  if (kind === 'json') return <JsonField label={label} hint={below} value={value} onChange={onChange} />
  if (kind === 'flag') {
    return (
      <label className="check app-check">
        <input type="checkbox" disabled={isDisabled} checked={value === true} onChange={(event) => onChange(event.target.checked)} />
        <span>{label}</span>
      </label>
    )
  }
  if (kind === 'choices') {
    const options = (schemaOf(schema.items)?.enum as unknown[] | undefined) ?? []
    const chosen = Array.isArray(value) ? value : []
    return framed(
      options.map((option) => (
        <label key={textOf(option)} className="check app-check">
          <input type="checkbox" disabled={isDisabled} checked={chosen.includes(option)} onChange={(event) => onChange(event.target.checked ? [...chosen, option] : chosen.filter((one) => one !== option))} />
          <span>{textOf(option)}</span>
        </label>
      )),
    )
  }
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
        {isRequired ? <RequiredMark /> : null}
      </label>
      {fieldFor()}
      {below ? (
        <p id={`${id}-below`} className={problem ? 'error' : 'hint'}>
          {below}
        </p>
      ) : null}
    </div>
  )

  function fieldFor(): ReactNode {
    switch (kind) {
      case 'choice': {
        const options = (schema.enum as unknown[]).slice(0, 500)
        return (
          <select {...control} value={isBlank(value) ? '' : textOf(value)} onChange={(event) => onChange(options.find((option) => textOf(option) === event.target.value))}>
            {isRequired && !isBlank(value) ? null : <option value="">{t('Choose…')}</option>}
            {options.map((option) => (
              <option key={textOf(option)} value={textOf(option)}>
                {textOf(option)}
              </option>
            ))}
          </select>
        )
      }
      case 'number':
        return <input {...control} type="number" step="any" value={typeof value === 'number' ? value : ''} onChange={(event) => onChange(Number.isNaN(event.target.valueAsNumber) ? undefined : event.target.valueAsNumber)} />
      case 'area':
        return <textarea {...control} rows={4} value={textOf(value)} onChange={(event) => onChange(event.target.value)} />
      case 'date':
      case 'time':
        return <input {...control} type={kind} value={textOf(asType(kind, value))} onChange={(event) => onChange(event.target.value)} />
      case 'datetime':
        return <input {...control} type="datetime-local" value={localText(asType('datetime', value))} onChange={(event) => onChange(asType('datetime', event.target.value))} />
      default:
        return <input {...control} type="text" autoComplete="off" value={textOf(value)} onChange={(event) => onChange(event.target.value)} />
    }
  }
}

function ListFields({ schema, value, path, depth, isDisabled, problems, onChange }: Props) {
  const items = schemaOf(schema.items) ?? {}
  const list = Array.isArray(value) ? (value as unknown[]) : []
  return (
    <>
      {list.map((item, index) => (
        <div key={index} className="schema-item">
          <SchemaField
            schema={items}
            label={`${textOf(items.title) || t('Item')} ${index + 1}`}
            isRequired={false}
            value={item}
            path={`${path}.${index}`}
            depth={depth + 1}
            isDisabled={isDisabled}
            problems={problems}
            onChange={(next) => onChange(list.map((one, at) => (at === index ? (next ?? '') : one)))}
          />
          <Button variant="ghost" icon={Trash2} label={t('Remove item {number}', { number: index + 1 })} disabled={isDisabled} onClick={() => onChange(list.filter((_, at) => at !== index))} />
        </div>
      ))}
      <Button size="small" icon={Plus} disabled={isDisabled || list.length >= 200} onClick={() => onChange([...list, kindOf(items, depth + 1) === 'object' ? {} : (items.default ?? '')])}>
        {t('Add')}
      </Button>
    </>
  )
}
