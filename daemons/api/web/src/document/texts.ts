/** The texts of an app by key: where `t("key")` reads them, and what becomes of it when a key is renamed. */
import type { Draft } from 'immer'
import type { AnyNode, Program } from 'acorn'
import type { AppDocument, Translations } from '../api/types'
import { type Expression, parseExpression, parseTemplate, references, walk } from '../evaluator/binding'
import { type Place, rewritten } from './places'
import { type SourceEdit, applyEdits, mapBindings } from './source-edits'

/** As the server has them: `lib/model/src/app/translation.rs`. */
const keyPattern = /^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$/
const languagePattern = /^[a-z]{2,3}(-[A-Z][A-Za-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$/
const longestKey = 80
export const mostLanguages = 30
export const longestText = 2000

export function keyProblem(key: string, translations: Translations | undefined | null): string | undefined {
  if (key.length > longestKey || !keyPattern.test(key)) return `Use names with dots between them, such as orders.title: at most ${longestKey} characters.`
  return Object.hasOwn(translations?.texts ?? {}, key) ? `There is a text ${key} already.` : undefined
}

export function languageProblem(language: string, languages: readonly string[]): string | undefined {
  if (!languagePattern.test(language)) return 'Write a language as browsers do: en, de-AT, zh-Hant.'
  if (languages.includes(language)) return `${language} is there already.`
  return languages.length >= mostLanguages ? `An app has at most ${mostLanguages} languages.` : undefined
}

/** The names in braces of a text. */
export function namesIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name))].sort()
}

/** A call of `t`: its key, where that is written out, and the values that it gives, where those are. */
export interface TextCall {
  key?: string
  values?: readonly string[]
}

type Call = Extract<AnyNode, { type: 'CallExpression' }>
type Literal = { value: string; start: number; end: number }

export function callsIn({ text, as }: Pick<Place, 'text' | 'as'>): TextCall[] {
  return programsIn(text, as).flatMap((program) =>
    callsOf(program).map((call): TextCall => {
      const key = keyOf(call)
      const values = valuesOf(call)
      return { ...(key ? { key: key.value } : {}), ...(values ? { values } : {}) }
    }),
  )
}

function programsIn(text: string, as: Place['as']): Program[] {
  try {
    if (as === 'template') return text.includes('{{') ? parseTemplate(text).flatMap((part) => ('source' in part ? [part.program] : [])) : []
    return as === 'expression' || as === 'code' ? [parseExpression(text).program] : []
  } catch {
    return []
  }
}

/** Nothing where the code has a `t` of its own. */
function callsOf(program: Program): Call[] {
  if (!references(program).some(({ name }) => name === 't')) return []
  const calls: Call[] = []
  walk(program, (node) => {
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 't') calls.push(node)
  })
  return calls
}

function keyOf({ arguments: [first] }: Call): Literal | undefined {
  if (first?.type === 'Literal' && typeof first.value === 'string') return { value: first.value, start: first.start, end: first.end }
  const [quasi, ...more] = first?.type === 'TemplateLiteral' ? first.quasis : []
  return first && quasi && more.length === 0 ? { value: quasi.value.cooked ?? '', start: first.start, end: first.end } : undefined
}

/** None are given where there is no second argument; nothing where it is put together elsewhere. */
function valuesOf({ arguments: [, second] }: Call): string[] | undefined {
  if (!second) return []
  if (second.type !== 'ObjectExpression') return undefined
  const names: string[] = []
  for (const property of second.properties) {
    if (property.type !== 'Property' || property.computed) return undefined
    names.push(property.key.type === 'Identifier' ? property.key.name : String((property.key as { value?: unknown }).value))
  }
  return names
}

/** Renames a key, and wherever it is read by being written out. Its texts stay where they are. */
export function renameText(draft: Draft<AppDocument>, from: string, to: string): void {
  if (!draft.translations?.texts) return
  draft.translations.texts = Object.fromEntries(Object.entries(draft.translations.texts).map(([key, texts]) => [key === from ? to : key, texts]))
  const plain = JSON.parse(JSON.stringify(draft)) as AppDocument
  const next = rewritten(plain, (text, as) => renamedIn(text, as, from, to))
  for (const part of ['pages', 'queries', 'scripts', 'transformers', 'state'] as const) if (next[part] !== undefined && !isSame(plain[part], next[part])) Object.assign(draft, { [part]: next[part] })
}

function renamedIn(text: string, as: Place['as'], from: string, to: string): string {
  if (as === 'name' || as === 'variable' || !text.includes(from)) return text
  const inSource = (source: string, { program }: Pick<Expression, 'program'>, offset: number) => {
    const edits = callsOf(program).flatMap((call): SourceEdit[] => {
      const key = keyOf(call)
      if (key?.value !== from) return []
      const quote = source[key.start + offset] ?? '"'
      return [{ start: key.start + offset, end: key.end + offset, text: `${quote}${to}${quote}` }]
    })
    return applyEdits(source, edits)
  }
  try {
    // Parsed within a bracket of its own, which is one character.
    if (as === 'template') return mapBindings(text, (binding) => inSource(binding.source, parseExpression(binding.source), -1))
    return inSource(text, parseExpression(text.trim()), text.length - text.trimStart().length - 1)
  } catch {
    return text
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
