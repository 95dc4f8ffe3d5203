/** By which id this window says that it edits, and keeps what is not saved: the same after a reload, and no other window's. */

const key = 'bulkhead window'
let own: string | undefined

export function windowId(): string {
  own ??= takenId(window)
  return own
}

/**
 * The id that the page before this one left behind, or a new one. While the page is there it stands in its memory alone: a copy of the
 * window gets what is stored, and is another window.
 */
export function takenId(page: Pick<Window, 'sessionStorage' | 'addEventListener'>): string {
  const { sessionStorage: storage } = page
  const id = storage.getItem(key) ?? newId()
  storage.removeItem(key)
  page.addEventListener('pagehide', () => storage.setItem(key, id))
  // It was gone back to, and is the same page still.
  page.addEventListener('pageshow', () => storage.removeItem(key))
  return id
}

/** `crypto.randomUUID` is there on secure origins alone. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
