import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { freeName, nameProblem, ownNames, stateNameProblem } from '../src/builder/edits'
import { isReserved, nameFault } from '../src/document/names'

const model = path.resolve(import.meta.dirname, '../../../lib/model/src')
const listed = (file: string) => {
  const list = /const RESERVED: &\[&str\] = &\[([^\]]*)\]/.exec(readFileSync(path.join(model, file), 'utf8'))?.[1] ?? ''
  return [...list.matchAll(/"(\w+)"/g)].map(([, word = '']) => word)
}
const empty: AppDocument = { format: 1, title: 'Test', 'home-page': 'home', pages: { home: {} } }

describe('names', () => {
  it('that the server refuses are refused here, with the words that say so', () => {
    const reserved = listed('name.rs')
    expect(reserved.length).toBeGreaterThan(50)
    expect(reserved.filter((word) => !isReserved(word))).toEqual([])
    for (const word of reserved) {
      expect(nameProblem(empty, word), word).toBeTruthy()
      expect(freeName(empty, word), word).toBe(`${word}2`)
    }
    const ours = listed('app/check.rs')
    expect(ours.length).toBeGreaterThan(5)
    expect(ours.filter((word) => !ownNames.has(word))).toEqual([])
    expect(stateNameProblem(empty, 'class')).toContain('class1')
  })

  it('that the server takes are taken here', () => {
    for (const word of ['orders', 'x_1', 'queries', 'Class']) expect(nameFault(word)).toBeUndefined()
  })
})
