/** Colours with a meaning. */
import type { Tone } from '../ui/Badge'

const tones: Record<string, Tone> = { neutral: 'neutral', info: 'accent', accent: 'accent', success: 'green', green: 'green', warning: 'amber', amber: 'amber', danger: 'red', red: 'red' }

export function toneOf(name: string, otherwise: Tone): Tone {
  return Object.hasOwn(tones, name) ? (tones[name] ?? otherwise) : otherwise
}

/** The same names as the builder offers them. */
export const toneOptions = [
  ['info', 'Information'],
  ['success', 'Success'],
  ['warning', 'Warning'],
  ['danger', 'Danger'],
] as const
