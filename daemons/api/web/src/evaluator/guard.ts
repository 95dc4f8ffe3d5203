/** What keeps one expression from spoiling the values of others, and the page from values that are too large to show. */

/** Texts' characters and values' members together; a result of 100,000 rows with 20 columns is half of it. */
const mostParts = 5_000_000

/** Makes a value read-only as far as it reaches: rows are shared by all who read them. */
export function frozen<T>(value: T): T {
  const pending: unknown[] = [value]
  for (let at = pending.pop(); pending.length > 0 || at !== undefined; at = pending.pop()) {
    if (typeof at !== 'object' || at === null || Object.isFrozen(at) || ArrayBuffer.isView(at)) continue
    Object.freeze(at)
    for (const inner of Array.isArray(at) ? at : Object.values(at)) if (typeof inner === 'object' && inner !== null) pending.push(inner)
  }
  return value
}

/** Why a value cannot be handed on; nothing when it can. A value that reaches itself ends at the limit too. */
export function sizeProblem(value: unknown): string | undefined {
  let parts = 0
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const at = pending.pop()
    parts += 1
    if (typeof at === 'string') parts += at.length / 16
    else if (Array.isArray(at)) {
      parts += at.length
      if (parts <= mostParts) for (const item of at) if (typeof item === 'object' || typeof item === 'string') pending.push(item)
    } else if (typeof at === 'object' && at !== null) {
      for (const key in at) {
        parts += 1
        const inner = (at as Record<string, unknown>)[key]
        if (typeof inner === 'object' || typeof inner === 'string') pending.push(inner)
        if (parts > mostParts) break
      }
    }
    if (parts > mostParts) return 'The value is too large: show fewer rows, or let the query choose them.'
  }
  return undefined
}

/** A sentence that says what to do, where a value is read-only. */
export function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const isReadOnly = error instanceof TypeError && /read only|read-only|not extensible|Cannot (delete|define|add) property/.test(error.message)
  return isReadOnly ? `${error.message}: what an app holds is read-only here. Change a copy, such as [...rows] or {...row}.` : error.message
}

/** Takes from the worker's own objects what would let one expression change what all others see. */
export function harden(scope: typeof globalThis): void {
  for (const name of ['Object', 'Array', 'Function', 'String', 'Number', 'Boolean', 'Date', 'RegExp', 'Promise', 'Map', 'Set'] as const) {
    Object.preventExtensions(scope[name].prototype)
    Object.preventExtensions(scope[name])
  }
}
