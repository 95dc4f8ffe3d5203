/**
 * What the interface says, in the person's language. The English sentence is its own key; other languages are catalogues in this folder,
 * which arrive when they are asked for. `tests/messages.test.ts` holds every catalogue against the sentences in the code.
 *
 * The language does not change while a page is open: whoever chooses another one gets the page anew.
 */

/** By code, each in its own words. */
export const languages = { en: 'English', de: 'Deutsch' } as const

export type Language = keyof typeof languages

/** By the English sentence; where a number decides, by the sentence for several, with what is said for each of the language's plurals. */
export type Catalogue = Readonly<Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>>

type Value = string | number
/** The names in braces. */
type Names<Text extends string> = string extends Text ? string : Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never
type Values<Text extends string> = [Names<Text>] extends [never] ? [] : string extends Text ? [values?: Record<string, Value>] : [values: Record<Names<Text>, Value>]

const key = 'bulkhead.language'
const catalogues: Record<Exclude<Language, 'en'>, () => Promise<Catalogue>> = { de: async () => (await import('./de')).messages }

function isLanguage(code: string | null | undefined): code is Language {
  return code !== null && code !== undefined && Object.hasOwn(languages, code)
}

/** The language that was chosen in this browser; nothing when it is to be the browser's. */
export function chosenLanguage(): Language | undefined {
  const stored = typeof localStorage === 'undefined' ? null : localStorage.getItem(key)
  return isLanguage(stored) ? stored : undefined
}

export function chooseLanguage(language: Language | undefined): void {
  if (language) localStorage.setItem(key, language)
  else localStorage.removeItem(key)
  location.reload()
}

function asked(): readonly string[] {
  return typeof navigator === 'undefined' ? [] : (navigator.languages ?? [])
}

/** The first of the browser's languages that there is a catalogue for. */
export function languageFor(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.split('-')[0]?.toLowerCase()).find(isLanguage) ?? 'en'
}

/** In which language the page speaks; also the locale of its dates and numbers. */
export const language: Language = chosenLanguage() ?? languageFor(asked())

/** How people here write numbers and dates in the apps that they use: as the browser says, but for who chose a language. */
export const valueLocale: string = chosenLanguage() ?? asked().find(isLocale) ?? 'en'

/** A browser on a system without a language says `en-US@posix`, which nothing understands. */
function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0
  } catch {
    return false
  }
}

let catalogue: Catalogue = {}
const numbers = new Intl.NumberFormat(language)
const plurals = new Intl.PluralRules(language)

/** Brings the catalogue, before anything is shown. Without it the page speaks English. */
export async function loadMessages(): Promise<void> {
  document.documentElement.lang = language
  if (language === 'en') return
  try {
    catalogue = await catalogues[language]()
  } catch {
    document.documentElement.lang = 'en'
  }
}

export function numberText(value: number): string {
  return numbers.format(value)
}

function filled(text: string, values: Record<string, Value>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? numberText(value) : value
  })
}

/** A sentence in the person's language, with values in the place of names in braces. */
export function t<const Text extends string>(text: Text, ...[values]: Values<Text>): string {
  const found = catalogue[text]
  return filled(typeof found === 'string' ? found : text, values ?? {})
}

/** One of two sentences, or as many as the language has, by a number that stands in them as `{count}`. */
export function plural(count: number, one: string, many: string, values: Record<string, Value> = {}): string {
  const found = catalogue[many]
  const rule = plurals.select(count)
  const text = typeof found === 'object' ? (found[rule] ?? found.other ?? many) : count === 1 ? one : many
  return filled(text, { ...values, count })
}

/** Marks a sentence that is said elsewhere, by `t` of a variable. */
export function message<const Text extends string>(text: Text): Text {
  return text
}
