import { produce } from 'immer'
import { expect, test } from 'vitest'
import type { AppDocument, Block, TableChange, WorkflowDocument } from '../src/api/types'
import { writtenAs } from '../src/document/query-ask'
import { renameEverywhere } from '../src/document/rename-everywhere'
import { changeOf, changeText, expressionsOf, mapExpressions } from '../src/document/table-change'
import { summaryOf } from '../src/workflow/blocks'
import { setFields } from '../src/workflow/edits'
import { rewriteReferences } from '../src/workflow/rewrite'

const update: TableChange = {
  do: 'update',
  table: 'customers',
  values: { email: ' form.email ' },
  where: [
    { column: 'id', value: 'table.selectedRow.id' },
    { column: 'gone', operator: 'is-null' },
  ],
}

test('its expressions are known as the server knows them', () => {
  expect(expressionsOf(update)).toEqual(['form.email', 'table.selectedRow.id'])
  expect(expressionsOf({ do: 'bulk-upsert', table: 't', rows: 'load.rows', columns: ['id'], conflict: ['id'] })).toEqual(['load.rows'])
  expect(mapExpressions(update, (source) => source.toUpperCase())).toMatchObject({ values: { email: ' FORM.EMAIL ' }, where: [{ value: 'TABLE.SELECTEDROW.ID' }, { operator: 'is-null' }] })
})

test('another action keeps what both have', () => {
  expect(changeOf('delete', update)).toEqual({ do: 'delete', table: 'customers', where: update.where })
  const upsert = changeOf('upsert', { ...update, schema: 'crm' })
  expect(upsert).toEqual({ do: 'upsert', table: 'customers', schema: 'crm', values: update.values, conflict: [] })
  expect(changeOf('bulk-upsert', upsert)).toEqual({ do: 'bulk-upsert', table: 'customers', schema: 'crm', rows: '', columns: ['email'], conflict: [] })
})

test('a form takes the place of the statement, and the other way round', () => {
  const block: Block = { type: 'query', resource: 'tables', statement: 'select 1', mode: 'read' }
  const document: WorkflowDocument = { format: 1, title: 'One', start: 'save', blocks: { save: block } }
  const form = produce(document, (draft) => setFields(draft, 'save', writtenAs('form')))
  expect(form.blocks['save']).toEqual({ type: 'query', resource: 'tables', mode: 'write', change: { do: 'insert', table: '', values: {} } })
  const sql = produce(form, (draft) => setFields(draft, 'save', writtenAs('sql')))
  expect(sql.blocks['save']).toEqual({ type: 'query', resource: 'tables', mode: 'read', statement: 'select 1 as one' })
})

test('a block says what it changes, and follows a renamed one', () => {
  const block: Block = { type: 'query', resource: 'tables', change: { ...update, values: { email: 'load.rows[0].load' } } }
  expect(summaryOf(block)).toBe('Updates customers')
  expect(changeText({ do: 'insert', table: '', values: {} })).toBe('Inserts into no table')
  const document: WorkflowDocument = { format: 1, title: 'One', start: 'save', blocks: { save: block } }
  expect(rewriteReferences(document, 'load', 'fetch')['save']).toMatchObject({ change: { values: { email: 'fetch.rows[0].load' } } })
})

test('in an app it follows a renamed component', () => {
  const app: AppDocument = { format: 1, title: 'One', 'home-page': 'home', pages: { home: {} }, queries: { save: { resource: 'tables', change: update } } }
  const next = produce(app, (draft) => renameEverywhere(draft, 'form', 'entry'))
  expect(next.queries?.['save']?.change).toEqual({ ...update, values: { email: ' entry.email ' } })
})
