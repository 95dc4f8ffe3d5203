/** One action: what is done, to what, and with which values. Event handlers and finished queries do the same ones. */
import { useStore } from 'zustand'
import type { Action, AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { moduleOf, ownName } from '../../document/module-names'
import { isInput, stateOf } from '../../runtime/kinds'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import { BindingField } from '../BindingField'
import { stateNames } from '../edits'
import { methodSpecs } from '../method-specs'
import { ArgumentsField } from './ArgumentsField'
import { textIn } from './text-in'
import { WorkflowField } from './WorkflowField'

type Name = Action['do']

const labels: readonly (readonly [Name, string])[] = [
  ['run-query', 'Run a query or script'],
  ['set-value', 'Set an input'],
  ['set-state', 'Set a state variable'],
  ['call', 'Control a component'],
  ['reset', 'Reset an input or form'],
  ['open', 'Open a modal or drawer'],
  ['close', 'Close a modal or drawer'],
  ['notify', 'Show a message'],
  ['navigate', 'Go to a page'],
  ['set-url', 'Change the address'],
  ['open-app', 'Open another app'],
  ['open-url', 'Open an address'],
  ['copy', 'Copy a value'],
  ['download', 'Save a file'],
  ['set-local-storage', 'Keep a value in the browser'],
  ['run-workflow', 'Run a workflow'],
  ['wait', 'Wait'],
]

interface Props {
  action: Action
  store: DraftStore<AppDocument>
  onChange: (action: Action) => void
}

interface Targets {
  queries: string[]
  inputs: string[]
  resettable: string[]
  modals: string[]
  components: string[]
  variables: string[]
  pages: string[]
}

function targetsOf(document: AppDocument): Targets {
  const all = Object.values(document.pages).flatMap((page) => Object.entries(page.components ?? {}))
  // What is of a module is the module's own affair.
  const isOwn = (name: string) => moduleOf(document, name) === undefined
  const named = (isWanted: (kind: string) => boolean) => all.flatMap(([name, { type }]) => (isWanted(type) && isOwn(name) ? [name] : []))
  return {
    queries: [...Object.keys(document.queries ?? {}), ...Object.keys(document.scripts ?? {})].filter(isOwn),
    inputs: named((kind) => stateOf(kind).value !== undefined),
    resettable: named((kind) => isInput(kind) || kind === 'form' || kind === 'steps'),
    modals: named((kind) => stateOf(kind).isOverlay === true),
    components: [...named(() => true), ...(document.module ? [ownName] : [])],
    variables: [...stateNames(document)].filter(isOwn),
    pages: Object.keys(document.pages),
  }
}

/** What an action is about at first; nothing when this app has nothing of the kind. */
function begin(name: Name, targets: Targets): Action | undefined {
  const of = <Made,>(choices: string[], make: (first: string) => Made): Made | undefined => (choices[0] === undefined ? undefined : make(choices[0]))
  switch (name) {
    case 'run-query':
      return of(targets.queries, (query) => ({ do: name, query }))
    case 'set-value':
      return of(targets.inputs, (component) => ({ do: name, component, value: '' }))
    case 'set-state':
      return of(targets.variables, (variable) => ({ do: name, variable, value: '' }))
    case 'call':
      return of(targets.components, (component) => ({ do: name, component, method: 'scrollIntoView' }))
    case 'reset':
      return of(targets.resettable, (component) => ({ do: name, component }))
    case 'open':
    case 'close':
      return of(targets.modals, (component) => ({ do: name, component }))
    case 'navigate':
      return of(targets.pages, (page) => ({ do: name, page }))
    case 'notify':
      return { do: name, message: 'Done.' }
    case 'set-url':
      return { do: name, parameters: {} }
    case 'open-app':
      return { do: name, app: 'app' }
    case 'open-url':
      return { do: name, url: 'https://' }
    case 'copy':
      return { do: name, value: '' }
    case 'download':
      return { do: name, value: '', 'file-name': 'rows.csv', format: 'csv' }
    case 'set-local-storage':
      return { do: name, key: 'last', value: '' }
    case 'run-workflow':
      return { do: name, workflow: 'workflow', body: null }
    case 'wait':
      return { do: name, ms: 500 }
  }
}

/** A first action: something that can be done in this app at once. */
export function firstAction(document: AppDocument): Action {
  const [query] = targetsOf(document).queries
  return query ? { do: 'run-query', query } : { do: 'notify', message: 'Done.' }
}

const plain = (names: string[], chosen: string) => [...new Set([...names, chosen])].map((name) => [name, name] as const)

export function ActionFields({ action, store, onChange }: Props) {
  const document = useStore(store, (state) => state.document)
  const targets = targetsOf(document)
  const options = labels.filter(([name]) => name === action.do || begin(name, targets) !== undefined)
  const choose = (name: string) => {
    const begun = begin(name as Name, targets)
    if (begun) onChange(begun)
  }
  return (
    <>
      <SelectField label="Do" options={options} value={action.do} onChange={(event) => choose(event.target.value)} />
      <Details action={action} document={document} targets={targets} onChange={onChange} />
    </>
  )
}

const tones = [['info', 'Just so'], ['success', 'Something worked'], ['warning', 'Something needs care'], ['error', 'Something failed']] as const
const formats = [['text', 'Text'], ['csv', 'CSV'], ['json', 'JSON']] as const

function Details({ action, document, targets, onChange }: { action: Action; document: AppDocument; targets: Targets; onChange: (action: Action) => void }) {
  switch (action.do) {
    case 'run-query':
      return (
        <>
          <SelectField label="Query" options={plain(targets.queries, action.query)} value={action.query} onChange={({ target }) => onChange({ ...action, query: target.value })} />
          <ArgumentsField label="Arguments" hint="The query reads them as {{ args.name }}." values={action.arguments ?? {}} onChange={(values) => onChange({ ...action, arguments: values })} />
        </>
      )
    case 'set-value':
      return (
        <>
          <SelectField label="Input" options={plain(targets.inputs, action.component)} value={action.component} onChange={({ target }) => onChange({ ...action, component: target.value })} />
          <BindingField label="To" value={action.value} onChange={(value) => onChange({ ...action, value })} />
        </>
      )
    case 'reset':
      return <SelectField label="Input or form" options={plain(targets.resettable, action.component)} value={action.component} onChange={({ target }) => onChange({ ...action, component: target.value })} />
    case 'open':
    case 'close':
      return <SelectField label="Modal or drawer" options={plain(targets.modals, action.component)} value={action.component} onChange={({ target }) => onChange({ ...action, component: target.value })} />
    case 'call':
      return <CallFields action={action} document={document} targets={targets} onChange={onChange} />
    case 'set-state':
      return (
        <>
          <SelectField label="Variable" options={plain(targets.variables, action.variable)} value={action.variable} onChange={({ target }) => onChange({ ...action, variable: target.value })} />
          <BindingField label="To" hint="A single {{ }} keeps the type of its value." value={textIn(action.value)} onChange={(value) => onChange({ ...action, value })} />
        </>
      )
    case 'set-local-storage':
      return (
        <>
          <TextField label="Key" hint={`Read as {{ localStorage.${action.key} }}.`} value={action.key} onChange={({ target }) => onChange({ ...action, key: target.value })} />
          <BindingField label="Value" hint="{{ null }} forgets it." value={textIn(action.value)} onChange={(value) => onChange({ ...action, value })} />
        </>
      )
    case 'set-url':
      return (
        <>
          <ArgumentsField label="Parameters" hint="{{ null }} removes one. Read as {{ url.parameters.name }}." values={action.parameters ?? {}} onChange={(parameters) => onChange({ ...action, parameters })} />
          <BindingField label="After the #" hint="Stays as it is when empty." value={action.hash ?? ''} onChange={(hash) => onChange({ ...action, hash: hash === '' ? null : hash })} />
        </>
      )
    case 'navigate':
      return (
        <>
          <SelectField label="Page" options={plain(targets.pages, action.page)} value={action.page} onChange={({ target }) => onChange({ ...action, page: target.value })} />
          <ArgumentsField label="Parameters" hint="The page reads them as {{ url.parameters.name }}." values={action.parameters ?? {}} onChange={(parameters) => onChange({ ...action, parameters })} />
        </>
      )
    case 'open-app':
      return (
        <>
          <TextField label="App" hint="Its name in addresses." value={action.app} onChange={({ target }) => onChange({ ...action, app: target.value })} />
          <TextField label="Page" hint="Its first page when empty." value={action.page ?? ''} onChange={({ target }) => onChange({ ...action, page: target.value === '' ? null : target.value })} />
          <ArgumentsField label="Parameters" values={action.parameters ?? {}} onChange={(parameters) => onChange({ ...action, parameters })} />
          <CheckField label="In another tab" checked={action['new-tab'] ?? false} onChange={({ target }) => onChange({ ...action, 'new-tab': target.checked })} />
        </>
      )
    case 'open-url':
      return <BindingField label="Address" hint="Of https, http or mailto. It opens in another tab." value={action.url} onChange={(url) => onChange({ ...action, url })} />
    case 'notify':
      return (
        <>
          <BindingField label="Message" value={action.message} onChange={(message) => onChange({ ...action, message })} />
          <SelectField label="It means" options={tones} value={action.tone ?? 'info'} onChange={({ target }) => onChange({ ...action, tone: target.value as 'info' })} />
          <NumberField label="Shown for (ms)" placeholder="as long as it takes" value={action['duration-ms']} onChange={(ms) => onChange({ ...action, 'duration-ms': ms })} />
        </>
      )
    case 'copy':
      return <BindingField label="Value" hint="A text as it is, anything else as JSON." value={textIn(action.value)} onChange={(value) => onChange({ ...action, value })} />
    case 'download':
      return (
        <>
          <BindingField label="Value" hint="Rows for a CSV file." value={textIn(action.value)} onChange={(value) => onChange({ ...action, value })} />
          <BindingField label="File name" value={action['file-name']} onChange={(name) => onChange({ ...action, 'file-name': name })} />
          <SelectField label="Written as" options={formats} value={action.format ?? 'text'} onChange={({ target }) => onChange({ ...action, format: target.value as 'text' })} />
        </>
      )
    case 'run-workflow':
      return (
        <>
          <WorkflowField value={action.workflow} onChange={(workflow) => onChange({ ...action, workflow })} />
          <BindingField label="Body" hint="Its blocks read it as trigger.body." value={textIn(action.body)} onChange={(body) => onChange({ ...action, body: body === '' ? null : body })} />
        </>
      )
    case 'wait':
      return <NumberField label="Milliseconds" value={action.ms} onChange={(ms) => onChange({ ...action, ms: ms ?? 1 })} />
  }
}

function CallFields({ action, document, targets, onChange }: { action: Extract<Action, { do: 'call' }>; document: AppDocument; targets: Targets; onChange: (action: Action) => void }) {
  const kind = kindOf(document, action.component)
  const methods = methodSpecs(kind)
  const parameters = methods.find(({ name }) => name === action.method)?.parameters ?? []
  const given = action.arguments ?? []
  const give = (index: number, value: string) => onChange({ ...action, arguments: parameters.map((_, at) => (at === index ? value : (given[at] ?? ''))) })
  const known = methods.map(({ name, text }) => [name, text] as const)
  const first = (component: string) => methodSpecs(kindOf(document, component))[0]?.name ?? 'scrollIntoView'
  return (
    <>
      <SelectField label="Component" options={plain(targets.components, action.component)} value={action.component} onChange={({ target }) => onChange({ do: 'call', component: target.value, method: first(target.value) })} />
      <SelectField label="Method" options={known.some(([name]) => name === action.method) ? known : [...known, [action.method, action.method]]} value={action.method} onChange={({ target }) => onChange({ do: 'call', component: action.component, method: target.value })} />
      {parameters.map(({ name, label, hint, options: fixed }, index) => {
        // A module's own events.
        const options = fixed ?? (action.component === ownName && name === 'event' && document.module ? Object.entries(document.module.events ?? {}).map(([event, meaning]) => [event, meaning || event] as const) : undefined)
        return options ? (
          <SelectField key={name} label={label} options={options} value={textIn(given[index]) || (options[0]?.[0] ?? '')} onChange={({ target }) => give(index, target.value)} />
        ) : (
          <BindingField key={name} label={label} {...(hint ? { hint } : {})} value={textIn(given[index])} onChange={(value) => give(index, value)} />
        )
      })}
    </>
  )
}

function kindOf(document: AppDocument, name: string): string {
  if (document.module && name === ownName) return 'module'
  return Object.values(document.pages).flatMap((page) => page.components?.[name] ?? [])[0]?.type ?? ''
}

export function NumberField({ label, hint, placeholder, value, onChange }: { label: string; hint?: string; placeholder?: string; value: number | null | undefined; onChange: (value: number | null) => void }) {
  return <TextField label={label} hint={hint} type="number" min={1} {...(placeholder ? { placeholder } : {})} value={value ?? ''} onChange={({ target }) => onChange(Number.isFinite(target.valueAsNumber) && target.valueAsNumber >= 1 ? Math.trunc(target.valueAsNumber) : null)} />
}
