/** A CSV file becomes a table in a database, and the table an app: what will be done is shown before it is. */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { messageOf } from '../../api/problem'
import { labelOf } from '../../generate/columns'
import { type Csv, maxCsvBytes, parseCsv } from '../../generate/csv'
import { type Plan, batchesOf, createStatement, planOf, typeNames } from '../../generate/csv-table'
import { type ColumnType, type Dialect, dialectOf, takesFiles } from '../../generate/dialect'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SelectField, TextField } from '../../ui/Field'
import { FileDrop } from '../../ui/FileDrop'
import { ErrorNotice } from '../../ui/states'
import { resourcesQuery } from '../lists'
import type { StartProps } from './NewApp'
import { useCsvImport } from './csv-import'
import { NamingFields, useNaming } from './naming'

const previewRows = 8
const shownRejected = 100

export function FromCsv(props: StartProps) {
  const [file, setFile] = useState<{ csv: Csv; name: string }>()
  const [error, setError] = useState<unknown>()
  const take = (text: string, name: string) => {
    setError(undefined)
    try {
      if (text.length > maxCsvBytes) throw new Error(`The file is larger than ${maxCsvBytes / 1024 / 1024} MB: split it, or load it with the database's own tools.`)
      const csv = parseCsv(text)
      if (csv.rows.length === 0) throw new Error('The file has no rows below its first line.')
      setFile({ csv, name: name.replace(/\.[^.]*$/, '') })
    } catch (problem) {
      setFile(undefined)
      setError(problem)
    }
  }
  if (file) return <Review key={file.name} file={file} {...props} onBack={() => setFile(undefined)} />
  return (
    <Dialog title="New app from a CSV file" isWide onClose={props.onClose} footer={<Button onClick={props.onBack}>Back</Button>}>
      <ErrorNotice error={error} />
      <p>The first line names the columns. The file is read in this browser; nothing is stored before you have seen what becomes of it.</p>
      <FileDrop label="Drop a CSV file here" accept=".csv,.tsv,.txt,text/csv" onText={take} />
    </Dialog>
  )
}

function Review({ file: { csv, name }, onCreated, onBack, onClose }: StartProps & { file: { csv: Csv; name: string } }) {
  const resources = useQuery(resourcesQuery)
  const usable = (resources.data ?? []).filter(({ config, role }) => takesFiles(config?.kind ?? '') && role !== 'viewer')
  const [chosen, setChosen] = useState<string>()
  const resource = usable.find((one) => one.name === chosen) ?? usable.find((one) => one.name === 'tables') ?? usable[0]
  const dialect = dialectOf(resource?.config?.kind ?? '')
  const inferred = useMemo(() => planOf(csv), [csv])
  const [types, setTypes] = useState<Record<string, ColumnType>>({})
  const [table, setTable] = useState(() => tableNameOf(name))
  const plan: Plan = useMemo(() => ({ ...inferred, columns: inferred.columns.map((column) => ({ ...column, type: types[column.name] ?? column.type })) }), [inferred, types])
  const { batches, rejected } = useMemo(() => batchesOf(csv, plan), [csv, plan])
  const allRejected = [...csv.rejected, ...rejected].sort((a, b) => a.line - b.line)
  const count = batches.at(-1)?.upTo ?? 0
  const isTable = /^[a-z_][a-z0-9_]{0,62}$/.test(table)
  const work = useCsvImport()
  const naming = useNaming((wanted) => (resource && dialect ? work.run({ ...wanted, resource: resource.name, dialect, table, plan, batches }) : Promise.reject(new Error('Choose a resource.'))), onCreated, labelOf(table))
  if (work.state.step !== 'none') {
    return (
      <Progress work={work.state} total={count} error={naming.error} isBusy={naming.isBusy} onRetry={naming.create} onBack={work.state.step === 'naming' ? work.reset : undefined} onClose={onClose}>
        {naming.isTaken ? <NamingFields naming={naming} /> : null}
      </Progress>
    )
  }
  return (
    <Dialog
      title="New app from a CSV file"
      isWide
      onClose={onClose}
      onSubmit={naming.create}
      footer={
        <>
          <Button onClick={onBack}>Back</Button>
          <Button type="submit" variant="primary" disabled={!dialect || !isTable || count === 0 || !naming.isReady} isBusy={naming.isBusy}>
            Create table and app
          </Button>
        </>
      }
    >
      <ErrorNotice error={resources.error ?? naming.error} />
      {resources.data && usable.length === 0 ? <p className="muted">No resource here takes tables: it needs a PostgreSQL or MySQL database on which you have the role editor.</p> : null}
      <div className="new-app-fields">
        <SelectField label="Resource" value={resource?.name ?? ''} options={usable.map((one) => [one.name, one.name] as const)} onChange={({ target }) => setChosen(target.value)} />
        <TextField label="New table" className="mono" required error={isTable ? undefined : 'Use lower-case letters, digits and _.'} value={table} onChange={({ target }) => setTable(target.value)} />
      </div>
      <NamingFields naming={naming} />
      <Preview csv={csv} plan={plan} onType={(column, type) => setTypes({ ...types, [column]: type })} />
      <p>
        <strong>{count.toLocaleString('en')}</strong> rows will be written{allRejected.length > 0 ? `, ${allRejected.length.toLocaleString('en')} will not` : ''}.{' '}
        {plan.key.isAdded ? `A column ${plan.key.name} is added, which numbers them.` : `The column ${plan.key.name} tells them apart.`}
      </p>
      {allRejected.length > 0 ? (
        <details>
          <summary>Rows that are left out ({allRejected.length.toLocaleString('en')})</summary>
          <ul className="csv-rejected">
            {allRejected.slice(0, shownRejected).map(({ line, reason, text }) => (
              <li key={line}>
                Line {line}: {reason} <code className="muted">{text}</code>
              </li>
            ))}
          </ul>
        </details>
      ) : null}
      {dialect && isTable ? <Statement dialect={dialect} table={table} plan={plan} /> : null}
    </Dialog>
  )
}

function Statement({ dialect, table, plan }: { dialect: Dialect; table: string; plan: Plan }) {
  return (
    <section aria-label="Statement">
      <p className="muted">This is run first:</p>
      <pre className="csv-statement" tabIndex={0}>
        {createStatement(dialect, table, plan)}
      </pre>
    </section>
  )
}

function Preview({ csv, plan, onType }: { csv: Csv; plan: Plan; onType: (column: string, type: ColumnType) => void }) {
  return (
    <div className="csv-preview" role="region" aria-label="The first rows" tabIndex={0}>
      <table className="list">
        <thead>
          <tr>
            {plan.columns.map((column) => (
              <th key={column.name}>
                {column.name}
                <select className="input" aria-label={`Type of ${column.name}`} value={column.type} onChange={({ target }) => onType(column.name, target.value as ColumnType)}>
                  {Object.entries(typeNames).map(([type, text]) => (
                    <option key={type} value={type}>
                      {text}
                    </option>
                  ))}
                </select>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {csv.rows.slice(0, previewRows).map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (
                <td key={at}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface ProgressProps {
  work: ReturnType<typeof useCsvImport>['state']
  total: number
  error: unknown
  isBusy: boolean
  onRetry: () => void
  onBack: (() => void) | undefined
  onClose: () => void
  children: ReactNode
}

function Progress({ work, total, error, isBusy, onRetry, onBack, onClose, children }: ProgressProps) {
  const text = { none: '', naming: 'Making the app…', table: 'Making the table…', rows: `${work.written.toLocaleString('en')} of ${total.toLocaleString('en')} rows written`, done: 'Done' }[work.step]
  return (
    <Dialog
      title="New app from a CSV file"
      onClose={onClose}
      onSubmit={onRetry}
      footer={
        <>
          {onBack && !isBusy ? <Button onClick={onBack}>Back</Button> : null}
          <Button type="submit" variant="primary" isBusy={isBusy}>
            {work.step === 'rows' ? 'Go on' : 'Try again'}
          </Button>
        </>
      }
    >
      <div className="csv-progress stack" role="status">
        <p>{text}</p>
        <progress max={total} value={work.step === 'rows' || work.step === 'done' ? work.written : 0} aria-label="Rows written" />
      </div>
      {error ? <ErrorNotice error={work.step === 'rows' ? new Error(`${messageOf(error)} The rows before are written; going on writes none of them twice.`) : error} /> : null}
      {children}
    </Dialog>
  )
}

function tableNameOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 50)
  return plain === '' ? 'rows' : /^\d/.test(plain) ? `t_${plain}` : plain
}
