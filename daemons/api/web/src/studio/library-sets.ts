/** What the screens about sets of libraries share. */
import type { Language, LibrarySet } from '../api/types'

/** Between two looks at a build that is under way. */
export const pollMs = 2000

export const languageNames: Record<Language, string> = { javascript: 'JavaScript', python: 'Python' }

export function isUnderWay({ status }: Pick<LibrarySet, 'status'>): boolean {
  return status === 'waiting' || status === 'building'
}

/** The language that a lock file's name tells. */
export function languageOfFile(name: string): Language | undefined {
  if (name.endsWith('.json')) return 'javascript'
  return name.endsWith('.txt') || name.endsWith('.lock') ? 'python' : undefined
}

/** Names of modules as typed: separated by commas, spaces or lines. */
export function modulesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((module) => module !== '')
}

/** The choice of a set for one language; one that cannot be used stays chosen, and says so. */
export function setOptions(sets: LibrarySet[], language: Language, current: string): (readonly [string, string])[] {
  const usable = sets.filter((set) => set.language === language && set.usable).map(({ name }) => [name, name] as const)
  const known = [['', 'Standard library only'] as const, ...usable]
  return known.some(([name]) => name === current) ? known : [...known, [current, `${current} (${sets.some((set) => set.name === current && set.language === language) ? 'not built yet' : 'not found'})`]]
}
