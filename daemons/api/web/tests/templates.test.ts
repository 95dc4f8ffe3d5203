import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppDocument } from '../src/api/types'
import { canonicalText } from '../src/document/canonical'
import { crudApp } from '../src/generate/crud'
import { dialectOf } from '../src/generate/dialect'
import { templateDocument, templates } from '../src/templates/templates'
import { faultsOf } from './support/document-check'

const folder = path.resolve(import.meta.dirname, '../src/templates')
const fileOf = (name: string) => path.join(folder, `${name}.app.json`)

/** The text that the file must have; with UPDATE_GOLDEN it gets it. */
function golden(name: string, text: string): void {
  if (process.env.UPDATE_GOLDEN) writeFileSync(fileOf(name), text)
  expect(readFileSync(fileOf(name), 'utf8'), name).toBe(text)
}

describe('the templates', () => {
  it('are sound documents in the form that export writes', async () => {
    for (const { name } of templates) {
      const document = JSON.parse(readFileSync(fileOf(name), 'utf8')) as AppDocument
      expect(await faultsOf(document), name).toEqual([])
      golden(name, canonicalText(document))
    }
  })

  it('are all offered', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.app.json'))
    expect(files.map((file) => file.replace('.app.json', '')).sort()).toEqual(templates.map(({ name }) => name).sort())
  })

  it('run on the resource that was chosen', async () => {
    for (const { name } of templates) {
      const { queries } = await templateDocument(name, 'elsewhere')
      expect(new Set(Object.values(queries ?? {}).map(({ resource }) => resource)), name).toEqual(new Set(['elsewhere']))
    }
  })

  it('have what is generated from a table among them', () => {
    const dialect = dialectOf('postgresql')
    if (!dialect) throw new Error('no dialect')
    const columns = [['id', 'integer'], ['sku', 'text'], ['name', 'text'], ['category', 'text'], ['price', 'numeric(10,2)']] as const
    const table = { schema: 'public', name: 'products', columns: columns.map(([name, type]) => ({ name, type })), key: ['id'], required: columns.map(([name]) => name) }
    golden('crud-admin', canonicalText(crudApp({ resource: 'tables', dialect, table, title: 'Product catalogue' }).document))
  })
})
