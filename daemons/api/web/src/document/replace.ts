/** Puts another document in the place of an edited one, as one step that undo takes back. */
import type { DraftStore } from './draft-store'

export function replaceDocument<Document extends object>(store: DraftStore<Document>, document: Document): void {
  store.edit((draft) => {
    for (const member of Object.keys(draft)) delete (draft as Record<string, unknown>)[member]
    Object.assign(draft, structuredClone(document))
  })
}
