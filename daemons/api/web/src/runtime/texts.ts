/** Which language an app speaks to a person, and what it says in it. */
import type { Translations } from '../api/types'
import type { Texts } from '../evaluator/protocol'

/** The first wanted language that the app speaks, or one that is close to it: `de-AT` for `de`, and `de` for `de-AT`. */
export function languageFor({ default: usual, languages }: Translations, wanted: readonly string[]): string {
  const base = (tag: string) => tag.toLowerCase().split('-')[0]
  for (const tag of wanted) {
    const found = languages.find((one) => one.toLowerCase() === tag.toLowerCase()) ?? languages.find((one) => one.toLowerCase() === base(tag)) ?? languages.find((one) => base(one) === base(tag))
    if (found) return found
  }
  return usual
}

/** All texts in one language, those that it lacks in the app's default one. */
export function textsOf(translations: Translations | null | undefined, language: string): Texts {
  const own: Record<string, string> = {}
  for (const [key, texts] of Object.entries(translations?.texts ?? {})) {
    const text = texts[language] || texts[translations?.default ?? '']
    if (text) own[key] = text
  }
  return { language, texts: own }
}

/** A title that is one text of the app, `{{ t("key") }}`, in that text; any other title as it is. */
export function titleIn({ texts }: Texts, title: string): string {
  const key = titleKey(title)
  return key === undefined ? title : Object.hasOwn(texts, key) ? (texts[key] ?? key) : key
}

/** The key in a title that is one text of the app. */
export function titleKey(title: string): string | undefined {
  return /^\s*\{\{\s*t\(\s*(["'`])([\w.-]+)\1\s*\)\s*\}\}\s*$/.exec(title)?.[2]
}

/** What a language is called in itself: `Deutsch`. */
export function languageName(tag: string): string {
  try {
    const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag
    return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1)
  } catch {
    return tag
  }
}
