/** Of a module in an app: which it is, whether there is a newer one, what it is given, and what its events do. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useStore } from 'zustand'
import { messageOf } from '../../api/problem'
import type { AppDocument, Component, ModuleInput } from '../../api/types'
import { useRuntimeState } from '../../components/runtime-context'
import type { DraftStore } from '../../document/draft-store'
import { withModule } from '../../document/modules'
import { appsQuery } from '../../studio/lists'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { notify } from '../../ui/toasts'
import { BindingField } from '../BindingField'
import { EventsEditor } from '../EventsEditor'
import { FlagField } from '../FlagField'
import { hidden } from '../component-kinds'
import { setEvents, setProperty } from '../edits'
import { textIn } from '../logic/text-in'
import { literalOf } from './literal'
import { moduleRelease } from './release'

interface Props {
  name: string
  component: Component
  store: DraftStore<AppDocument>
  page: string
}

export function ModuleFields({ name, component, store, page }: Props) {
  const used = useStore(store, ({ document }) => document.modules?.[name])
  if (!used) return <p className="inspector-section muted">Nothing says which module this is. Take it out, and add it again from the list of modules.</p>
  const { inputs = {}, outputs = {}, events = {} } = used.ports ?? {}
  return (
    <>
      <section className="inspector-section">
        <Version name={name} store={store} page={page} module={used.module} version={used.version} />
        {Object.keys(outputs).length > 0 ? (
          <p className="hint muted">
            It gives{' '}
            {Object.keys(outputs).map((output, index) => (
              <span key={output}>
                {index > 0 ? ', ' : ''}
                <code>{`${name}.${output}`}</code>
              </span>
            ))}
            .
          </p>
        ) : null}
      </section>
      <section className="inspector-section">
        <h3>Inputs</h3>
        {Object.keys(inputs).length === 0 ? <p className="hint muted">It takes none.</p> : null}
        {Object.entries(inputs).map(([input, port]) => (
          <Input key={input} name={name} input={input} port={port} value={component.properties?.[input]} onChange={(value) => store.edit((draft) => setProperty(draft, page, name, input, value), `${name}.${input}`)} />
        ))}
        <Input name={name} input="hidden" port={{ type: 'flag', label: hidden.label }} value={component.properties?.['hidden']} onChange={(value) => store.edit((draft) => setProperty(draft, page, name, 'hidden', value), `${name}.hidden`)} />
      </section>
      {Object.keys(events).length > 0 ? (
        <section className="inspector-section">
          <EventsEditor
            handlers={component.events ?? []}
            kinds={Object.entries(events).map(([event, meaning]) => [event, meaning || event] as const)}
            store={store}
            onChange={(handlers, key) => store.edit((draft) => setEvents(draft, page, name, handlers), key && `${name} ${key}`)}
          />
        </section>
      ) : null}
    </>
  )
}

function Version({ name, store, page, module, version }: Omit<Props, 'component'> & { module: string; version: number }) {
  const apps = useQuery(appsQuery)
  const found = apps.data?.find((app) => app.slug === module && app.is_module)
  const newest = found?.released_version ?? undefined
  const updating = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const release = await moduleRelease(module)
      const { document } = store.getState()
      const rect = document.pages[page]?.layout?.[name]
      if (!rect) throw new Error(`${name} is not on this page any more.`)
      const updated = withModule(document, page, name, release, rect)
      store.edit((draft) => void Object.assign(draft, updated))
    },
    onError: (error) => notify(messageOf(error), 'error'),
  })
  return (
    <>
      <p className="row wrap">
        {found && found.role !== 'viewer' ? <a href={`/apps/${module}/edit`}>{found.title}</a> : <span>{found?.title ?? module}</span>}
        <Badge>Version {version}</Badge>
      </p>
      {newest !== undefined && newest !== version ? (
        <>
          <p className="hint">Version {newest} is in use now. What it has no more is taken out here; undo brings it back.</p>
          <Button size="small" isBusy={updating.isPending} onClick={() => updating.mutate()}>
            Update to version {newest}
          </Button>
        </>
      ) : null}
      {apps.data && !found ? <p className="hint muted">The module is gone, or you may not see it. What stands here stays as it is.</p> : null}
    </>
  )
}

function Input({ name, input, port, value, onChange }: { name: string; input: string; port: ModuleInput; value: unknown; onChange: (value: unknown) => void }) {
  const shown = useRuntimeState((state) => state.shown[`${name}.${input}`])
  const label = port.label || input
  if (port.type === 'flag') return <FlagField label={label} isOn={false} value={value} shown={shown} onChange={onChange} />
  const hint = { any: undefined, text: undefined, number: 'A number.', list: 'A list, such as {{ query1.rows }}.', object: 'An object, such as {{ table1.selectedRow }}.' }[port.type]
  return <BindingField label={label} {...(hint ? { hint } : {})} value={textIn(value)} shown={shown} onChange={(text) => onChange(literalOf(port.type, text))} />
}
