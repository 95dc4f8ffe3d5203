/** The kind of component that is being dragged from the panel: the browser hides a drag's data until it is dropped. */
import type { ComponentKind } from '../api/types'

let kind: ComponentKind | undefined

export function draggedKind(): ComponentKind | undefined {
  return kind
}

export function setDraggedKind(next: ComponentKind | undefined): void {
  kind = next
}
