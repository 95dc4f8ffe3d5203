/** The canvas's keys: arrows move, with Shift resize, Delete removes, Ctrl/Cmd-D duplicates, Escape lets go. */
import { useEffect } from 'react'
import type { AppDocument, GridRect } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { isTyping } from '../document/use-draft-keys'
import { duplicateComponent, moveComponents, removeComponents } from './edits'
import { clamp } from './layout'

interface Options {
  store: DraftStore<AppDocument>
  page: string
  selection: string[]
  setSelection: (names: string[]) => void
  isEnabled: boolean
}

const steps: Record<string, [dx: number, dy: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export function useBuilderKeys({ store, page, selection, setSelection, isEnabled }: Options): void {
  useEffect(() => {
    if (!isEnabled) return
    const onKey = (event: KeyboardEvent) => {
      // What a component took for itself, such as an arrow on a tab, is done.
      if (event.defaultPrevented || isTyping(event.target) || selection.length === 0 || document.querySelector('dialog[open]')) return
      const step = steps[event.key]
      if (step && !(event.ctrlKey || event.metaKey || event.altKey)) nudge(store, page, selection, step, event.shiftKey)
      else if (event.key === 'Delete' || event.key === 'Backspace') {
        store.edit((draft) => removeComponents(draft, page, selection))
        setSelection([])
      } else if (event.key === 'Escape') setSelection([])
      else if (event.key.toLowerCase() === 'd' && (event.ctrlKey || event.metaKey)) void duplicate(store, page, selection).then(setSelection)
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [store, page, selection, setSelection, isEnabled])
}

function nudge(store: DraftStore<AppDocument>, page: string, names: string[], [dx, dy]: [number, number], resizes: boolean): void {
  const layout = store.getState().document.pages[page]?.layout ?? {}
  const moved: Record<string, GridRect> = {}
  for (const name of names) {
    const rect = layout[name]
    if (!rect) continue
    moved[name] = clamp(resizes ? { ...rect, width: Math.min(rect.width + dx, 24 - rect.column), height: rect.height + dy } : { ...rect, column: rect.column + dx, row: rect.row + dy })
  }
  store.edit((draft) => moveComponents(draft, page, moved), `nudge ${names.join()}`)
}

async function duplicate(store: DraftStore<AppDocument>, page: string, names: string[]): Promise<string[]> {
  const { renameInTemplate } = await import('../document/rename')
  const copies: string[] = []
  store.edit((draft) => {
    for (const name of names) {
      const copy = duplicateComponent(draft, page, name, renameInTemplate)
      if (copy) copies.push(copy)
    }
  })
  return copies
}
