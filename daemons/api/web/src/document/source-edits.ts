/** Rewriting sources by places, so that all else stays as it was written. */
import { type Expression, parseTemplate } from '../evaluator/binding'

export interface SourceEdit {
  start: number
  end: number
  text: string
}

/** The source with each place changed. Places do not overlap. */
export function applyEdits(source: string, edits: readonly SourceEdit[]): string {
  return [...edits].sort((a, b) => b.start - a.start).reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), source)
}

/** A text with the inside of each `{{ }}` changed. Throws where it cannot be cut. */
export function mapBindings(text: string, change: (binding: Expression) => string): string {
  let result = ''
  let at = 0
  for (const part of parseTemplate(text)) {
    if ('text' in part) {
      result += part.text
      at += part.text.length
      continue
    }
    const start = text.indexOf(part.source, at)
    const end = text.indexOf('}}', start + part.source.length) + 2
    result += text.slice(at, start) + change(part) + text.slice(start + part.source.length, end)
    at = end
  }
  return result
}
