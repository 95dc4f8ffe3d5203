/** The page itself: its title, its address, and what it does when it opens. */
import { useStore } from 'zustand'
import type { AppDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { TextField } from '../ui/Field'
import { EventsEditor } from './EventsEditor'

const events = [['open', 'When the page opens']] as const

export function PageSettings({ name, store }: { name: string; store: DraftStore<AppDocument> }) {
  const page = useStore(store, (state) => state.document.pages[name])
  if (!page) return null
  const change = (part: Partial<typeof page>, key: string) =>
    store.edit((draft) => {
      const target = draft.pages[name]
      if (target) Object.assign(target, part)
    }, `page ${name} ${key}`)
  return (
    <>
      <h3>Page {name}</h3>
      <TextField label="Title" value={page.title ?? ''} placeholder={name} onChange={({ target }) => change({ title: target.value === '' ? null : target.value }, 'title')} />
      <TextField
        label="Path"
        className="mono"
        hint="Below the app's address. In orders/{id} the parameter is read as {{ url.parameters.id }}."
        value={page.route ?? ''}
        placeholder={name}
        onChange={({ target }) => change({ route: target.value === '' ? null : target.value }, 'route')}
      />
      <EventsEditor handlers={page.events ?? []} kinds={events} store={store} onChange={(next, key) => change({ events: next }, key ?? 'events')} />
    </>
  )
}
