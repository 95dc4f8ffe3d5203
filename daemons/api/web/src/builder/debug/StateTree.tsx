/** All values that expressions see, as a tree that can be searched. */
import { Copy, HelpCircle } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { useRuntime, useRuntimeState } from '../../components/runtime-context'
import { Button } from '../../ui/Button'
import { notify } from '../../ui/toasts'
import { brief, valuesNow } from '../assist/values'

const mostMembers = 100
const deepestFound = 6
const mostFound = 200

export function StateTree({ onWhy }: { onWhy: (path: string) => void }) {
  const runtime = useRuntime()
  // What it shows follows these.
  useRuntimeState((state) => state.shown)
  useRuntimeState((state) => state.components)
  useRuntimeState((state) => state.queries)
  const [wanted, setWanted] = useState('')
  const needle = useDeferredValue(wanted.trim().toLowerCase())
  const values = valuesNow(runtime)
  return (
    <>
      <input className="input" type="search" aria-label="Find a value" placeholder="Find a name or a value" value={wanted} onChange={({ target }) => setWanted(target.value)} />
      <ul className="debug-tree">
        {needle === ''
          ? Object.keys(values)
              .sort((a, b) => a.localeCompare(b, 'en'))
              .map((name) => <Member key={name} path={name} name={name} value={values[name]} onWhy={onWhy} />)
          : found(values, needle).map(({ path, value }) => <Member key={path} path={path} name={path} value={value} onWhy={onWhy} />)}
      </ul>
    </>
  )
}

function Member({ path, name, value, onWhy }: { path: string; name: string; value: unknown; onWhy: (path: string) => void }) {
  const [isOpen, setOpen] = useState(false)
  const isParent = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  const line = (
    <>
      <code>{name}</code> <span className="muted truncate">{isParent && !Array.isArray(value) ? `{${Object.keys(value).length}}` : brief(value, 80)}</span>
    </>
  )
  return (
    <li>
      <div className="row debug-line">
        {isParent ? (
          <button type="button" className="debug-toggle grow" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {line}
          </button>
        ) : (
          <span className="debug-leaf grow">{line}</span>
        )}
        <Button variant="ghost" size="small" icon={HelpCircle} label={`Why ${path} has this value`} onClick={() => onWhy(path.split(/[.[]/).slice(0, 2).join('.'))} />
        <Button
          variant="ghost"
          size="small"
          icon={Copy}
          label={`Copy {{ ${path} }}`}
          onClick={() => void navigator.clipboard.writeText(`{{ ${path} }}`).then(() => notify(`Copied {{ ${path} }}.`), () => notify('The browser did not let it be copied.', 'error'))}
        />
      </div>
      {isOpen && isParent ? (
        <ul>
          {Object.entries(value)
            .slice(0, mostMembers)
            .map(([key, item]) => (
              <Member key={key} path={joined(path, key, Array.isArray(value))} name={key} value={item} onWhy={onWhy} />
            ))}
          {Object.keys(value).length > mostMembers ? <li className="muted">… {(Object.keys(value).length - mostMembers).toLocaleString('en')} more</li> : null}
        </ul>
      ) : null}
    </li>
  )
}

function joined(path: string, key: string, isList: boolean): string {
  if (isList) return `${path}[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`
}

/** Members whose path or whose value holds what is wanted; of a list the first of its rows. */
function found(values: Record<string, unknown>, needle: string): { path: string; value: unknown }[] {
  const results: { path: string; value: unknown }[] = []
  const look = (value: unknown, path: string, depth: number) => {
    if (results.length >= mostFound) return
    const isLeaf = typeof value !== 'object' || value === null
    if (path.toLowerCase().includes(needle) || (isLeaf && String(value).toLowerCase().includes(needle))) results.push({ path, value })
    if (isLeaf || depth >= deepestFound) return
    for (const [key, item] of Object.entries(value).slice(0, mostMembers)) look(item, joined(path, key, Array.isArray(value)), depth + 1)
  }
  for (const [name, value] of Object.entries(values)) look(value, name, 0)
  return results
}
