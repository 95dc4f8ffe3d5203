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

/** A text cut at its `{{ }}`, with each as it was written. Throws where it cannot be cut. */
export function cutAtBindings(text: string): (string | { raw: string; binding: Expression })[] {
  let at = 0
  return parseTemplate(text).map((part) => {
    const from = at
    if ('text' in part) {
      at += part.text.length
      return part.text
    }
    at = text.indexOf('}}', text.indexOf(part.source, from) + part.source.length) + 2
    return { raw: text.slice(from, at), binding: part }
  })
}

/** A text with the inside of each `{{ }}` changed. Throws where it cannot be cut. */
export function mapBindings(text: string, change: (binding: Expression) => string): string {
  const changed = cutAtBindings(text).map((piece) => {
    if (typeof piece === 'string') return piece
    const { raw, binding } = piece
    const start = raw.indexOf(binding.source)
    return raw.slice(0, start) + change(binding) + raw.slice(start + binding.source.length)
  })
  return changed.join('')
}
