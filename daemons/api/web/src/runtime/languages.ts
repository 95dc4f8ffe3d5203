/** The languages that a person understands: what they chose in an app, then in Bulkhead, then in their browser. */
import { chosenLanguage } from '../messages/messages'

const key = (slug: string) => `bulkhead.language.${slug}`

export function languagesFor(slug: string): string[] {
  const chosen = [stored(slug), chosenLanguage()].filter((language) => language !== undefined && language !== null)
  return [...chosen, ...(navigator.languages ?? [])]
}

/** Keeps what was chosen in an app, for this browser. */
export function keepLanguage(slug: string, language: string): void {
  try {
    localStorage.setItem(key(slug), language)
  } catch {
    // Without storage it holds as long as the page is open.
  }
}

function stored(slug: string): string | null {
  try {
    return localStorage.getItem(key(slug))
  } catch {
    return null
  }
}
