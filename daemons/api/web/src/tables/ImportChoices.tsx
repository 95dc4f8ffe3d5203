/** How a file is imported: a choice for each column, its first rows, and the rows that do not fit. */
import { FileDown } from 'lucide-react'
import type { ColumnKind, ImportOutcome, TableDefinition } from '../api/types'
import { Button } from '../ui/Button'
import { SelectField, TextField } from '../ui/Field'
import { saveFile } from '../ui/save-file'
import { kinds } from './ColumnFields'
import { rejectedCsv } from './csv-reader'
import { type Choices, type SentFile, addedKey } from './import-file'

interface Props {
  file: SentFile
  choices: Choices
  into: TableDefinition | undefined
  looked: ImportOutcome | undefined
  onChange: (choices: Choices) => void
}

const previewRows = 8
const shownRejected = 100

export function ImportChoices({ file, choices, into, looked, onChange }: Props) {
  const set = (at: number, part: Partial<Choices['columns'][number]>) => {
    const columns = choices.columns.map((column, other) => (other === at ? { ...column, ...part } : column))
    onChange({ ...choices, columns, key: columns.some(({ name }) => name === choices.key) ? choices.key : null })
  }
  const own = choices.columns.flatMap(({ name }) => (name === null ? [] : [name]))
  return (
    <>
      {into ? null : (
        <div className="sheet-fields">
          <TextField label="New table" className="mono" required pattern="[a-z_][a-z0-9_]{0,62}" title="Lower-case letters, digits and _" value={choices.table} onChange={({ target }) => onChange({ ...choices, table: target.value })} />
          <SelectField label="Rows are told apart by" value={choices.key ?? ''} options={[['', `a number that is added (${addedKey(choices)})`] as const, ...own.map((name) => [name, name] as const)]} onChange={({ target }) => onChange({ ...choices, key: target.value === '' ? null : target.value })} />
        </div>
      )}
      <div className="sheet-preview" role="region" aria-label="The first rows" tabIndex={0}>
        <table className="list">
          <thead>
            <tr>
              {file.look.columns.map((column, at) => (
                <th key={column.name}>
                  {file.header[at] || column.name}
                  {into ? <TargetChoice into={into} label={column.name} value={choices.columns[at]?.name ?? null} onChange={(name) => set(at, { name })} /> : <KindChoice name={column.name} choice={choices.columns[at]} onChange={(part) => set(at, part)} />}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {file.look.sample.slice(0, previewRows).map((row) => (
              <tr key={row.line}>
                {row.cells.map((cell, at) => (
                  <td key={at}>{cell ?? <span className="sheet-null">NULL</span>}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted">
        {file.look.rows.toLocaleString('en')} rows. What the columns hold is told by all of them. Days and moments are read as 2026-11-30 and 2026-11-30 09:30; without a zone they are in UTC.
      </p>
      {looked ? <Rejected file={file} looked={looked} /> : null}
    </>
  )
}

function KindChoice({ name, choice, onChange }: { name: string; choice: Choices['columns'][number] | undefined; onChange: (part: Partial<Choices['columns'][number]>) => void }) {
  return (
    <select
      className="input"
      aria-label={`What ${name} holds`}
      value={choice?.name === null ? '' : choice?.kind}
      onChange={({ target }) => onChange(target.value === '' ? { name: null } : { name, kind: target.value as ColumnKind })}
    >
      {kinds.map(([kind, text]) => (
        <option key={kind} value={kind}>
          {text}
        </option>
      ))}
      <option value="">Leave out</option>
    </select>
  )
}

function TargetChoice({ into, label, value, onChange }: { into: TableDefinition; label: string; value: string | null; onChange: (name: string | null) => void }) {
  return (
    <select className="input" aria-label={`Where ${label} goes`} value={value ?? ''} onChange={({ target }) => onChange(target.value === '' ? null : target.value)}>
      <option value="">Leave out</option>
      {into.columns
        .filter(({ is_computed }) => !is_computed)
        .map(({ name, type }) => (
          <option key={name} value={name}>
            {name} ({type})
          </option>
        ))}
    </select>
  )
}

function Rejected({ file, looked }: { file: SentFile; looked: ImportOutcome }) {
  if (looked.rejected.length === 0) return null
  const save = () => saveFile(`${file.name}-rejected.csv`, rejectedCsv(file.header, looked.rejected), 'text/csv')
  return (
    <section className="notice amber" aria-label="Rows that do not fit">
      <div className="grow stack">
        <p role="alert">
          {looked.too_many
            ? `More than ${looked.rejected.length.toLocaleString('en')} rows do not fit, so nothing can be imported: choose what the columns hold anew, or mend the file.`
            : `${looked.rejected.length === 1 ? 'One row does' : `${looked.rejected.length.toLocaleString('en')} rows do`} not fit. Nothing is imported yet: mend the file, choose anew, or leave out what does not fit.`}
        </p>
        <div className="sheet-rejected" role="region" aria-label="Reasons" tabIndex={0}>
          <table className="list">
            <thead>
              <tr>
                <th className="numeric">Line</th>
                <th>Column</th>
                <th>Reason</th>
              </tr>
            </thead>
            <tbody>
              {looked.rejected.slice(0, shownRejected).map((row) => (
                <tr key={row.line}>
                  <td className="numeric">{row.line}</td>
                  <td className="mono">{row.column ?? ''}</td>
                  <td>{row.reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div>
          <Button icon={FileDown} onClick={save}>
            Save these rows as CSV
          </Button>
        </div>
      </div>
    </section>
  )
}
