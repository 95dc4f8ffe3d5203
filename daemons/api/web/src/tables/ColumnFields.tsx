/** What a new column is: its name, what it holds, and its rules. */
import type { ColumnDefault, ColumnKind, SchemaChange } from '../api/types'
import { CheckField, SelectField, TextField } from '../ui/Field'

export type NewColumn = Extract<SchemaChange, { do: 'add-column' }>['column']

export const kinds: readonly (readonly [ColumnKind, string])[] = [
  ['text', 'Text'],
  ['integer', 'Whole number'],
  ['decimal', 'Decimal'],
  ['boolean', 'Yes or no'],
  ['date', 'Date'],
  ['timestamp', 'Date and time'],
  ['uuid', 'UUID'],
  ['json', 'JSON'],
]

export function kindName(kind: ColumnKind): string {
  return kinds.find(([one]) => one === kind)?.[1] ?? kind
}

interface Props {
  column: NewColumn
  onChange: (column: NewColumn) => void
}

export function ColumnFields({ column, onChange }: Props) {
  return (
    <>
      <div className="sheet-fields">
        <TextField label="Column" className="mono" required maxLength={63} value={column.name} onChange={({ target }) => onChange({ ...column, name: target.value })} />
        <SelectField label="Holds" value={column.kind} options={kinds} onChange={({ target }) => onChange({ name: column.name, kind: target.value as ColumnKind, 'not-null': column['not-null'] ?? false, unique: column.unique ?? false })} />
      </div>
      <DefaultField kind={column.kind} value={column.default ?? undefined} onChange={(value) => onChange(withDefault(column, value))} />
      <div className="row wrap">
        <CheckField label="Each row must have a value" checked={column['not-null'] ?? false} onChange={({ target }) => onChange({ ...column, 'not-null': target.checked })} />
        <CheckField label="No two rows have the same value" checked={column.unique ?? false} onChange={({ target }) => onChange({ ...column, unique: target.checked })} />
      </div>
    </>
  )
}

function withDefault(column: NewColumn, value: ColumnDefault | undefined): NewColumn {
  return { ...column, default: value ?? null }
}

interface DefaultProps {
  kind: ColumnKind | undefined
  value: ColumnDefault | undefined
  onChange: (value: ColumnDefault | undefined) => void
}

/** What new rows have where nobody says a value. */
export function DefaultField({ kind, value, onChange }: DefaultProps) {
  const options: (readonly [string, string])[] = [
    ['none', 'None (NULL)'],
    ['value', 'A value'],
  ]
  if (kind === undefined || kind === 'timestamp' || kind === 'date') options.push(['now', 'The moment of adding'])
  if (kind === undefined || kind === 'uuid') options.push(['new-uuid', 'A new UUID'])
  const choose = (is: string) => onChange(is === 'value' ? { is, value: '' } : is === 'now' || is === 'new-uuid' ? { is } : undefined)
  return (
    <div className="sheet-fields">
      <SelectField label="Default" value={value?.is ?? 'none'} options={options} onChange={({ target }) => choose(target.value)} />
      {value?.is === 'value' ? <TextField label="Value" value={value.value} onChange={({ target }) => onChange({ is: 'value', value: target.value })} /> : null}
    </div>
  )
}
