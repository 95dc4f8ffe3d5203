import { expect, test } from 'vitest'
import type { LibrarySet } from '../src/api/types'
import { languageOfFile, modulesIn, setOptions } from '../src/studio/library-sets'

const set = (name: string, language: 'javascript' | 'python', usable: boolean): LibrarySet => ({ name, language, usable, status: usable ? 'ready' : 'building', packages: [], updated_at: '2026-11-23T00:00:00Z' })

test('only sets of the language that are built can be chosen; what is chosen stays and says why it cannot be used', () => {
  const sets = [set('science', 'python', true), set('next', 'python', false), set('web', 'javascript', true)]
  expect(setOptions(sets, 'python', '').map(([name]) => name)).toEqual(['', 'science'])
  expect(setOptions(sets, 'python', 'next').at(-1)).toEqual(['next', 'next (not built yet)'])
  expect(setOptions(sets, 'python', 'web').at(-1)).toEqual(['web', 'web (not found)'])
})

test('modules are separated as people type them', () => {
  expect(modulesIn(' numpy, pandas\nscipy  @scope/a,')).toEqual(['numpy', 'pandas', 'scipy', '@scope/a'])
  expect(modulesIn('  ')).toEqual([])
})

test('a lock file tells its language by its name', () => {
  expect(languageOfFile('package-lock.json')).toBe('javascript')
  expect(languageOfFile('requirements.txt')).toBe('python')
  expect(languageOfFile('notes.md')).toBeUndefined()
})
