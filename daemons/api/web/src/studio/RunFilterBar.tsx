/** Narrows a list of runs. What is chosen stands in the address, so that it can be passed on. */
import { Search, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Button } from '../ui/Button'
import { createSettler } from '../ui/settled'
import { starters } from '../workflow/waiting'
import { type RunFilters, isFiltered, localOf, momentOf, rangeOptions, statusOptions } from './run-filters'

interface Props {
  filters: RunFilters
  /** With what has changed; `undefined` takes a filter away. */
  onChange: (next: { [Key in keyof RunFilters]: RunFilters[Key] | undefined }) => void
  onClear: () => void
}

const typingMs = 400

export function RunFilterBar({ filters, onChange, onClear }: Props) {
  return (
    <div className="filters" role="search" aria-label="Filter runs">
      <TextFilter text={filters.text ?? ''} onChange={(text) => onChange({ text: text || undefined })} />
      <Choice label="Status" all="Any status" options={statusOptions} value={filters.status} onChange={(status) => onChange({ status: status as RunFilters['status'] })} />
      <Choice label="Started by" all="Started by anything" options={Object.entries(starters)} value={filters.trigger} onChange={(trigger) => onChange({ trigger })} />
      <Choice label="Time" all="Any time" options={rangeOptions} value={filters.range} onChange={(range) => onChange({ range: range as RunFilters['range'], since: undefined, until: undefined })} />
      {filters.range === 'custom' ? (
        <>
          <label className="row filter-moment">
            <span className="muted">From</span>
            <input className="input" type="datetime-local" value={localOf(filters.since)} onChange={({ target }) => onChange({ since: momentOf(target.value) })} />
          </label>
          <label className="row filter-moment">
            <span className="muted">Until</span>
            <input className="input" type="datetime-local" value={localOf(filters.until)} onChange={({ target }) => onChange({ until: momentOf(target.value) })} />
          </label>
        </>
      ) : null}
      {isFiltered(filters) ? (
        <Button variant="ghost" icon={X} onClick={onClear}>
          Clear filters
        </Button>
      ) : null}
    </div>
  )
}

function Choice({ label, all, options, value, onChange }: { label: string; all: string; options: readonly (readonly [string, string])[]; value: string | undefined; onChange: (value: string | undefined) => void }) {
  return (
    <select className="input" aria-label={label} data-chosen={value === undefined ? undefined : true} value={value ?? ''} onChange={({ target }) => onChange(target.value || undefined)}>
      <option value="">{all}</option>
      {options.map(([known, text]) => (
        <option key={known} value={known}>
          {text}
        </option>
      ))}
    </select>
  )
}

/** The list follows when the typing pauses, and the field follows the address when that changes by other means. */
function TextFilter({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text)
  const [known, setKnown] = useState(text)
  // What was passed on comes back by the address: that must not undo what has been typed since.
  const passed = useRef<string>(undefined)
  if (known !== text) {
    setKnown(text)
    if (text !== passed.current) setTyped(text)
  }
  useEffect(() => {
    if (text !== passed.current) passed.current = undefined
  }, [text])
  const pass = useRef(onChange)
  pass.current = onChange
  const [settler] = useState(() =>
    createSettler<string>(typingMs, (next) => {
      passed.current = next
      pass.current(next)
    }),
  )
  useEffect(() => settler.stop, [settler])
  return (
    <label className="filter-text">
      <Search className="icon" strokeWidth={1.5} aria-hidden />
      <input
        className="input"
        type="search"
        aria-label="Text in what started the run"
        placeholder="Text in what started it"
        title="A name, a header or a value of the body that the run was started with"
        maxLength={200}
        spellCheck={false}
        autoComplete="off"
        value={typed}
        data-chosen={text === '' ? undefined : true}
        onChange={({ target }) => {
          setTyped(target.value)
          settler.push(target.value.trim())
        }}
      />
    </label>
  )
}
