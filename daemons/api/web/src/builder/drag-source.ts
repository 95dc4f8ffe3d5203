/** The kind of component that is being dragged from the panel: the browser hides a drag's data until it is dropped. */

let kind: string | undefined

export function draggedKind(): string | undefined {
  return kind
}

export function setDraggedKind(next: string | undefined): void {
  kind = next
}
