/**
 * The views of the kinds of components. Each is in `kinds/<kind>/view.tsx` and arrives when a page has one of its kind.
 */
import { type ComponentType, lazy } from 'react'
import type { Page } from '../api/types'
import type { ViewProps } from './runtime-context'

type View = ComponentType<ViewProps>

const loaders = new Map(Object.entries(import.meta.glob<View>('./kinds/*/view.tsx', { import: 'View' })).map(([path, load]) => [path.split('/').at(-2) ?? path, load]))
const loaded = new Map<string, View>()
const waiting = new Map<string, View>()

/** A kind's view; nothing when this version does not know the kind. */
export function viewOf(kind: string): View | undefined {
  const ready = loaded.get(kind) ?? waiting.get(kind)
  if (ready || !loaders.has(kind)) return ready
  const view = lazy(async () => ({ default: await load(kind) }))
  waiting.set(kind, view)
  return view
}

/** Brings the views of a page before it is shown, so that it appears as a whole. */
export async function loadViews(page: Page | undefined): Promise<void> {
  const kinds = new Set(Object.values(page?.components ?? {}).map((component) => component.type))
  await Promise.all([...kinds].filter((kind) => loaders.has(kind)).map(load))
}

async function load(kind: string): Promise<View> {
  try {
    const view = (await loaders.get(kind)?.()) ?? NotLoaded
    loaded.set(kind, view)
    return view
  } catch {
    return NotLoaded
  }
}

function NotLoaded({ name }: ViewProps) {
  return (
    <div className="app-fault" role="alert">
      <span>
        <strong>{name}</strong> could not be loaded. Check the connection, then reload the page.
      </span>
    </div>
  )
}
