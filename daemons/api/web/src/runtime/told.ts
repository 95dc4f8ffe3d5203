/** What methods of a component have its view do, since only that can: to scroll, to move a map. A view that is not there does nothing. */

export interface Told {
  what: string
  given: unknown[]
}

/** Where a component stands, as long as it shows. */
export function placeOf(name: string): HTMLElement | undefined {
  return document.querySelector<HTMLElement>(`[data-component="${CSS.escape(name)}"]`) ?? undefined
}

/** Tells the view of the component whose place it is; what stands in that has places of its own. */
export function tellView(place: HTMLElement | undefined, what: string, given: unknown[]): void {
  const view = [...(place?.querySelectorAll<HTMLElement>('[data-told]') ?? [])].find((element) => element.closest('[data-component]') === place)
  view?.dispatchEvent(new CustomEvent<Told>('told', { detail: { what, given } }))
}
