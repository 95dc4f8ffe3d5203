/** One action: what is done, and to what. Event handlers and finished queries do the same ones. */
import { useStore } from 'zustand'
import type { Action, AppDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { isInput, stateOf } from '../runtime/kinds'
import { SelectField } from '../ui/Field'
import { BindingField } from './BindingField'

const names = [
  ['run-query', 'Run a query'],
  ['set-value', 'Set an input'],
  ['reset', 'Reset an input or form'],
  ['open', 'Open a modal or drawer'],
  ['close', 'Close a modal or drawer'],
  ['notify', 'Show a message'],
] as const

interface Props {
  action: Action
  store: DraftStore<AppDocument>
  onChange: (action: Action) => void
}

/** A first action: something that can be done in this app at once. */
export function firstAction(document: AppDocument): Action {
  const [query] = Object.keys(document.queries ?? {})
  return query ? { do: 'run-query', query } : { do: 'notify', message: 'Done.' }
}

function componentsOf(document: AppDocument, isWanted: (kind: string) => boolean): string[] {
  return Object.values(document.pages).flatMap((page) => Object.entries(page.components ?? {}).flatMap(([name, component]) => (isWanted(component.type) ? [name] : [])))
}

/** The components that each action can be about. */
function targetsOf(document: AppDocument): Record<'set-value' | 'reset' | 'open' | 'close', string[]> {
  const modals = componentsOf(document, (kind) => stateOf(kind).isOverlay === true)
  return {
    'set-value': componentsOf(document, (kind) => stateOf(kind).value !== undefined),
    reset: componentsOf(document, (kind) => isInput(kind) || kind === 'form' || kind === 'steps'),
    open: modals,
    close: modals,
  }
}

export function ActionFields({ action, store, onChange }: Props) {
  const document = useStore(store, (state) => state.document)
  const queries = Object.keys(document.queries ?? {})
  const targets = targetsOf(document)
  const choose = (kind: string) => {
    if (kind === 'run-query') onChange({ do: 'run-query', query: queries[0] ?? '' })
    else if (kind === 'set-value') onChange({ do: 'set-value', component: targets['set-value'][0] ?? '', value: '' })
    else if (kind === 'reset' || kind === 'open' || kind === 'close') onChange({ do: kind, component: targets[kind][0] ?? '' })
    else onChange({ do: 'notify', message: 'Done.' })
  }
  const options = names.filter(([kind]) => (kind !== 'run-query' || queries.length > 0) && (!(kind in targets) || targets[kind as keyof typeof targets].length > 0))
  return (
    <>
      <SelectField label="Do" options={options} value={action.do} onChange={(event) => choose(event.target.value)} />
      {action.do === 'run-query' ? <SelectField label="Query" options={queries.map((name) => [name, name] as const)} value={action.query} onChange={(event) => onChange({ do: 'run-query', query: event.target.value })} /> : null}
      {'component' in action ? (
        <SelectField
          label={action.do === 'set-value' ? 'Input' : action.do === 'reset' ? 'Input or form' : 'Modal or drawer'}
          options={targets[action.do].map((name) => [name, name] as const)}
          value={action.component}
          onChange={(event) => onChange({ ...action, component: event.target.value })}
        />
      ) : null}
      {action.do === 'set-value' ? <BindingField label="To" value={action.value} onChange={(value) => onChange({ ...action, value })} /> : null}
      {action.do === 'notify' ? <BindingField label="Message" value={action.message} onChange={(message) => onChange({ ...action, message })} /> : null}
    </>
  )
}
