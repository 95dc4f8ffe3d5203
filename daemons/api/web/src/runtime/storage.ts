/** What an app keeps in the browser: values of its own, bounded, and never another app's. */
import { t } from '../messages/messages'

/** Characters of one app's values as JSON. */
const mostCharacters = 200_000

export type Kept = Record<string, unknown>

/** Where values are kept. The browser's own storage, or none. */
export interface AppStorage {
  read: () => Kept
  /** Keeps them instead of what was kept; why that was not possible. */
  write: (kept: Kept) => string | undefined
}

export function browserStorage(app: string, user: string): AppStorage {
  const key = `bulkhead.app.${app}.${user}`
  return {
    read: () => {
      try {
        const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
        return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? (kept as Kept) : {}
      } catch {
        return {}
      }
    },
    write: (kept) => {
      const text = JSON.stringify(kept)
      if (text.length > mostCharacters) return t('An app keeps at most {most} characters in the browser; these would be {length}.', { most: mostCharacters, length: text.length })
      try {
        if (Object.keys(kept).length === 0) localStorage.removeItem(key)
        else localStorage.setItem(key, text)
        return undefined
      } catch {
        return t('The browser keeps nothing for this site: it is full, or set to forget.')
      }
    },
  }
}

/** The values with one of them set; null forgets it. */
export function withKept(kept: Kept, key: string, value: unknown): Kept {
  const { [key]: _, ...others } = kept
  return value === null || value === undefined ? others : { ...others, [key]: value }
}
