import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { ownersOf } from '../src/document/find'
import { lint } from '../src/document/lint'
import { codeProblem, placesOf } from '../src/document/places'

const docs = path.resolve(import.meta.dirname, '../../../../docs/apps')
/** Words that the server takes for no name. */
const source = readFileSync(path.resolve(import.meta.dirname, '../../../lib/model/src/name.rs'), 'utf8')
const reserved = new Set([...(/RESERVED: &\[&str\] = &\[([^\]]*)\]/.exec(source)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map((found) => found[1]))
const examples = readdirSync(docs).flatMap((file) =>
  readFileSync(path.join(docs, file), 'utf8')
    .split('```json\n')
    .slice(1)
    .map((rest, index) => ({ name: `${file}, example ${index + 1}`, parts: JSON.parse(rest.split('\n```')[0] ?? '') as Partial<AppDocument> })),
)

describe('the examples of the documentation', () => {
  it.each(examples)('$name has no mistake that the builder would name', ({ parts }) => {
    const document: AppDocument = { format: 1, title: 'Example', 'home-page': 'home', pages: { home: {} }, ...parts }
    const errors = lint(document, { members: () => undefined, slow: {} }).filter(({ tone }) => tone === 'error')
    expect(errors).toEqual([])
    expect(reserved.size).toBeGreaterThan(50)
    expect(ownersOf(document).filter(({ name }) => reserved.has(name))).toEqual([])
    for (const { text } of placesOf(document).filter(({ as }) => as === 'code')) expect(codeProblem(text)).toBeUndefined()
  })
})
