/** `t("key", { name })`: the text of a key in the language of whoever uses the app. Runs inside the sandboxed worker. */
import { asText } from './compile'
import type { Texts } from './protocol'

/** A key that has no text is its own text: whoever builds the app sees what is missing. */
export function translator({ language, texts }: Texts): unknown {
  const t = (key: unknown, values?: unknown): string => {
    const name = asText(key)
    const text = Object.hasOwn(texts, name) ? (texts[name] ?? name) : name
    return typeof values === 'object' && values !== null ? filled(text, values as Record<string, unknown>) : text
  }
  return Object.freeze(Object.assign(t, { language }))
}

/** Names in braces stand for values; one that is not given stays as it is written. */
function filled(text: string, values: Record<string, unknown>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? asText(values[name]) : whole))
}
