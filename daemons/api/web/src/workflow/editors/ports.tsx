/** Editors of the blocks whose ways out have names of their own. */
import { ArrowDown, ArrowUp, Plus, Trash2 } from 'lucide-react'
import type { Block } from '../../api/types'
import { Button } from '../../ui/Button'
import { CodeEditor } from '../../ui/CodeEditor'
import { portsOf, removePort, renamePort } from '../edits'
import type { EditorProps } from './change'

const soundPort = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/

/** A name that no port has. */
function freePort(ports: string[], base: string): string {
  let number = ports.length + 1
  while (ports.includes(`${base}${number}`)) number += 1
  return `${base}${number}`
}

function PortName({ name, block, index, store }: Pick<EditorProps, 'name' | 'store'> & { block: Block; index: number }) {
  const ports = portsOf(block)
  const port = ports[index] ?? ''
  const fault = !soundPort.test(port) ? 'Use a letter, then letters, digits, - or _.' : ports.indexOf(port) !== index ? 'Another way out has this name.' : port === 'error' || port === 'else' ? 'This way out is there already.' : undefined
  return (
    <div className="field short-name">
      <input
        className="input mono"
        aria-label={`Name of way out ${index + 1}`}
        aria-invalid={fault ? true : undefined}
        spellCheck={false}
        value={port}
        onChange={({ target }) => {
          const { value } = target
          store.edit((draft) => renamePort(draft, name, index, value), `${name}.port.${index}`)
        }}
      />
      {fault ? <p className="error">{fault}</p> : null}
    </div>
  )
}

function RemovePort({ name, block, index, store }: Pick<EditorProps, 'name' | 'store'> & { block: Block; index: number }) {
  return <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${portsOf(block)[index] || index + 1}`} onClick={() => store.edit((draft) => removePort(draft, name, index))} />
}

export function SwitchEditor({ name, block, change, store }: EditorProps<'switch'>) {
  const move = (index: number, by: number) => {
    const cases = [...block.cases]
    cases.splice(index + by, 0, ...cases.splice(index, 1))
    change({ cases })
  }
  const edit = (index: number, when: string) => change({ cases: block.cases.map((one, at) => (at === index ? { ...one, when } : one)) }, `case.${index}`)
  return (
    <div className="panel-section compact">
      <p className="muted">The run leaves by the first case whose JavaScript expression holds, or else by “else”.</p>
      <ul className="rows">
        {block.cases.map((one, index) => (
          <li key={index}>
            <PortName name={name} block={block} index={index} store={store} />
            <div className="grow">
              <CodeEditor label={`Condition of ${one.port}`} language="javascript" isShort value={one.when} onChange={(when) => edit(index, when)} faults={[]} placeholderText="load.rows.length > 0" />
            </div>
            <span className="row-tools">
              <Button variant="ghost" size="small" icon={ArrowUp} label={`Move ${one.port} up`} disabled={index === 0} onClick={() => move(index, -1)} />
              <Button variant="ghost" size="small" icon={ArrowDown} label={`Move ${one.port} down`} disabled={index === block.cases.length - 1} onClick={() => move(index, 1)} />
              <RemovePort name={name} block={block} index={index} store={store} />
            </span>
          </li>
        ))}
      </ul>
      <div>
        <Button size="small" icon={Plus} onClick={() => change({ cases: [...block.cases, { port: freePort(portsOf(block), 'case'), when: 'true' }] })}>
          Add case
        </Button>
      </div>
    </div>
  )
}

export function ParallelEditor({ name, block, change, store }: EditorProps<'parallel'>) {
  return (
    <div className="panel-section compact">
      <p className="muted">Each branch is a body that runs at the same time as the others. The run goes on when all have ended; the result has that of each by its name.</p>
      <ul className="rows">
        {block.branches.map((_, index) => (
          <li key={index}>
            <PortName name={name} block={block} index={index} store={store} />
            <RemovePort name={name} block={block} index={index} store={store} />
          </li>
        ))}
      </ul>
      <div>
        <Button size="small" icon={Plus} onClick={() => change({ branches: [...block.branches, freePort(block.branches, 'branch')] })}>
          Add branch
        </Button>
      </div>
    </div>
  )
}
