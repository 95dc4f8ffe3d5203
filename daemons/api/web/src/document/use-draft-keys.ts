/** Ctrl/Cmd-Z, -Y, -S on an edited document, and a warning before unsaved changes are left. */
import { useEffect } from 'react'
import type { DraftStore } from './draft-store'

/** Where keys belong to the text that is being typed: undo there is the field's own. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable="true"]') !== null
}

export function useDraftKeys<Document>(store: DraftStore<Document>, canSave = true): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey)) return
      const key = event.key.toLowerCase()
      if (key === 's') {
        event.preventDefault()
        if (canSave) void store.save()
      } else if (!isTyping(event.target) && (key === 'z' || key === 'y')) {
        event.preventDefault()
        if (key === 'y' || event.shiftKey) store.redo()
        else store.undo()
      }
    }
    const onLeave = (event: BeforeUnloadEvent) => {
      const { document, saved } = store.getState()
      if (document !== saved) event.preventDefault()
    }
    window.addEventListener('keydown', onKey)
    window.addEventListener('beforeunload', onLeave)
    return () => {
      window.removeEventListener('keydown', onKey)
      window.removeEventListener('beforeunload', onLeave)
    }
  }, [store, canSave])
}
