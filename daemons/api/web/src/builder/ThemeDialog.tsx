/** How the app looks: accent, scheme, density, corners, size of letters. Each change shows on the canvas at once, and undo takes it back. */
import { Suspense, lazy } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Theme } from '../api/types'
import { Themed } from '../components/Themed'
import type { DraftStore } from '../document/draft-store'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextField } from '../ui/Field'

const StyleField = lazy(async () => ({ default: (await import('./StyleField')).StyleField }))

const ownAccent = '#076c92'

export function ThemeDialog({ store, onClose }: { store: DraftStore<AppDocument>; onClose: () => void }) {
  const theme = useStore(store, ({ document }) => document.theme) ?? {}
  const change = (part: Partial<Theme>) =>
    store.edit((draft) => {
      const next = Object.fromEntries(Object.entries({ ...draft.theme, ...part }).filter(([, value]) => value !== undefined && value !== 'auto' && value !== 'normal')) as Theme
      if (Object.keys(next).length > 0) draft.theme = next
      else delete draft.theme
    }, 'theme')
  const number = (text: string, least: number, most: number) => (text === '' ? undefined : Math.min(most, Math.max(least, Math.round(Number(text)) || 0)))
  return (
    <Dialog
      title="Theme"
      isWide
      onClose={onClose}
      footer={
        <>
          <Button disabled={Object.keys(theme).length === 0} onClick={() => store.edit((draft) => void delete draft.theme)}>
            As in the studio
          </Button>
          <span className="grow" />
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <div className="theme-fields">
        <TextField label="Accent" type="color" value={theme.accent ?? ownAccent} onChange={({ target }) => change({ accent: target.value.toLowerCase() })} />
        <SelectField label="Light or dark" value={theme.scheme ?? 'auto'} options={[['auto', 'As the device says'], ['light', 'Light'], ['dark', 'Dark']]} onChange={({ target }) => change({ scheme: target.value as NonNullable<Theme['scheme']> })} />
        <SelectField label="Density" value={theme.density ?? 'normal'} options={[['compact', 'Compact'], ['normal', 'Normal'], ['roomy', 'Roomy']]} onChange={({ target }) => change({ density: target.value as NonNullable<Theme['density']> })} />
        <TextField label="Corners, in pixels" type="number" min={0} max={20} placeholder="6" value={theme.radius ?? ''} onChange={({ target }) => change({ radius: number(target.value, 0, 20) })} />
        <SelectField label="Letters, in pixels" value={String(theme['font-size'] ?? '')} options={[['', 'As in the studio'], ...Array.from({ length: 9 }, (_, index) => [String(index + 12), String(index + 12)] as const)]} onChange={({ target }) => change({ 'font-size': number(target.value, 12, 20) })} />
      </div>
      <Themed theme={theme}>
        <div className="theme-sample" role="group" aria-label="Sample">
          <p>Letters and a <span className="theme-link">link</span></p>
          <span className="row wrap">
            <Button variant="primary">Save</Button>
            <Button>Cancel</Button>
            <Badge tone="accent">Open</Badge>
          </span>
        </div>
      </Themed>
      <p className="hint muted">An accent that could not be read on its ground is made darker or lighter until it can.</p>
      <Suspense fallback={null}>
        <StyleField store={store} />
      </Suspense>
    </Dialog>
  )
}
