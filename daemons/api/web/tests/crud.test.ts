import { describe, expect, it } from 'vitest'
import { type Table, inputFor } from '../src/generate/columns'
import { crudApp } from '../src/generate/crud'
import { type Dialect, dialectOf } from '../src/generate/dialect'
import { faultsOf } from './support/document-check'

function dialect(kind: string): Dialect {
  const found = dialectOf(kind)
  if (!found) throw new Error(`no dialect of ${kind}`)
  return found
}

const products: Table = {
  schema: 'public',
  name: 'products',
  columns: [
    { name: 'id', type: 'integer' },
    { name: 'name', type: 'text' },
    { name: 'price', type: 'numeric(10,2)' },
    { name: 'in stock', type: 'boolean' },
    { name: 'added_on', type: 'date' },
    { name: 'changed_at', type: 'timestamp with time zone' },
    { name: 'description', type: 'text' },
    { name: 'details', type: 'jsonb' },
    { name: 'state', type: 'character varying(20)' },
    { name: 'picture', type: 'bytea' },
  ],
  key: ['id'],
  required: ['name', 'price', 'in stock'],
  defaulted: ['state'],
  filled: ['id'],
}

const app = (table: Table = products, kind = 'postgresql') => crudApp({ resource: 'tables', dialect: dialect(kind), table, title: 'Products' })

describe('an app generated from a table', () => {
  it('is a sound document for every kind of database', async () => {
    for (const kind of ['postgresql', 'mysql', 'sqlite', 'clickhouse']) expect(await faultsOf(app(products, kind).document), kind).toEqual([])
  })

  it('changes rows by their key, with the guard of one row', () => {
    const { queries } = app().document
    const where = [{ column: 'id', value: 'rows.selectedRow.id' }]
    expect(queries?.deleteRow?.change).toEqual({ do: 'delete', schema: 'public', table: 'products', where })
    expect(queries?.deleteRow?.confirm).toContain('{{ rows.selectedRow.id }}')
    expect(queries?.updateRow?.change).toMatchObject({ do: 'update', where })
    // A guard that is not said is that of one row.
    expect(queries?.updateRow?.change).not.toHaveProperty('at-most')
    expect(queries?.updateRow?.change).not.toHaveProperty('values.id')
  })

  it('has an input that fits each column, and none for what the database fills', () => {
    const { components = {} } = app().document.pages.home ?? {}
    const kinds = Object.fromEntries(Object.entries(components).filter(([name]) => name.startsWith('edit')).map(([name, { type }]) => [name, type]))
    expect(kinds).toEqual({
      editModal: 'modal', editForm: 'form', editButton: 'button', editName: 'text-input', editPrice: 'number-input', editInStock: 'switch', editAddedOn: 'date', editChangedAt: 'datetime',
      editDescription: 'text-area', editDetails: 'text-area', editState: 'text-input',
    })
    expect(components.addId).toBeUndefined()
    expect(app().notes).toEqual(['No input fits picture: shown, but not to be changed.'])
  })

  it('leaves the defaults of new rows to the database', () => {
    const { queries } = app().document
    expect(queries?.insertRow?.change).not.toHaveProperty('values.state')
    expect(queries?.updateRow?.change).toHaveProperty('values.state')
  })

  it('keeps a null a null when an empty field is saved', () => {
    expect(app().document.queries?.updateRow?.change).toHaveProperty('values.description', `editDescription.value === '' && rows.selectedRow.description === null ? null : editDescription.value`)
    expect(app().document.queries?.insertRow?.change).toHaveProperty('values.description', 'addDescription.value || null')
  })

  it('reads only where rows cannot be told apart', () => {
    const { document, notes } = app({ ...products, key: [] })
    expect(Object.keys(document.queries ?? {})).toEqual(['listRows'])
    expect(notes[0]).toContain('no primary key')
  })

  it('takes hostile names as names', async () => {
    const table: Table = { schema: '', name: `x"; drop table y; --`, columns: [{ name: `a"b`, type: 'text' }, { name: '{{ evil }}', type: 'text' }, { name: '日本', type: 'text' }, { name: 'a.b', type: 'int' }], key: [`a"b`] }
    const { document } = crudApp({ resource: 'tables', dialect: dialect('postgresql'), table, title: 'X' })
    expect(await faultsOf(document)).toEqual([])
    expect(document.queries?.listRows?.statement).toContain(`from "x""; drop table y; --"`)
    expect(JSON.stringify(document)).not.toContain('evil')
  })

  it('writes statements where the database has no changes', () => {
    expect(app(products, 'sqlite').document.queries?.deleteRow).toMatchObject({ mode: 'write', run: 'manual', statement: 'delete from "public"."products"\nwhere "id" = {{ rows.selectedRow.id }}' })
  })
})

describe('inputs', () => {
  it('offer the values of an enumeration', () => {
    expect(inputFor({ name: 'state', type: `enum('open','it''s done')` }, true, dialect('mysql'))?.properties).toEqual({ options: [{ value: 'open', label: 'open' }, { value: `it's done`, label: `it's done` }] })
  })

  it('never round a number that JavaScript cannot hold', () => {
    for (const type of ['bigint', 'numeric', 'numeric(30,10)', 'decimal(38,4)']) expect(inputFor({ name: 'n', type }, true, dialect('postgresql'))?.kind, type).toBe('text-input')
  })
})
