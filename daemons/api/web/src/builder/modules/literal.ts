/** What is written for an input, as its type: a text with `{{ }}` stays one, and what is no value of the type yet stays as it was typed. */
import type { ModuleInput } from '../../api/types'

export function literalOf(type: ModuleInput['type'], text: string): unknown {
  if (type === 'text' || type === 'any' || text.includes('{{') || text.trim() === '') return text
  try {
    const value: unknown = JSON.parse(text)
    const isOfType = type === 'number' ? typeof value === 'number' : type === 'list' ? Array.isArray(value) : type === 'flag' ? typeof value === 'boolean' : typeof value === 'object' && value !== null && !Array.isArray(value)
    return isOfType && (type !== 'number' || String(value) === text.trim()) ? value : text
  } catch {
    return text
  }
}
