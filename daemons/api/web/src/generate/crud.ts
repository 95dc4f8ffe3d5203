/**
 * A whole app over one table: a list with search, the selected row, forms to add and change rows, and a button that deletes one.
 *
 * The result is a document as any other: nothing in it knows that it was generated.
 */
import type { AppDocument, AppQuery, Component, EventHandler, GridRect, TableChange } from '../api/types'
import { type ColumnInput, type Table, type TableColumn, formatOf, inputFor, isSearchable, labelOf, memberOf, nameOf } from './columns'
import type { Dialect } from './dialect'

interface Source {
  resource: string
  dialect: Dialect
  table: Table
  title: string
}

const listedColumns = 8
const searchedColumns = 12
const rowLimit = 1000
const row = 'rows.selectedRow'
const searched = `search.value ?? ''`

interface Field {
  column: TableColumn
  input: ColumnInput
}

/** The app, and what of the table it leaves out. */
export function crudApp(source: Source): { document: AppDocument; notes: string[] } {
  const { table, title, dialect } = source
  const columns = table.columns.filter(({ name }) => !/\{\{|\}\}/.test(name))
  const { canChange, notes } = reachOf(table, dialect)
  const page = new PageMaker()
  const list: AppQuery = { resource: source.resource, statement: listStatement(source, columns), run: 'automatic' }
  const queries: Record<string, AppQuery> = { listRows: list }
  page.add('heading', { type: 'text', properties: { value: title, style: 'heading' } }, { column: 0, row: 0, width: 9, height: 1 })
  const count = `{{ listRows.truncated || listRows.row_count >= ${rowLimit} ? 'The first ' + listRows.row_count + ' rows: search for others.' : (listRows.row_count ?? 0) + ' rows' }}`
  page.add('count', { type: 'text', properties: { value: count, style: 'muted' } }, { column: 0, row: 1, width: 9, height: 1 })
  page.add('search', { type: 'text-input', properties: { label: 'Search', placeholder: searchHint(columns) } }, { column: 9, row: 0, width: 8, height: 2 })
  page.add('rows', { type: 'table', properties: { data: '{{ listRows.rows }}', columns: listedOf(columns, table), 'empty-text': 'No row matches this search.' } }, { column: 0, row: 2, width: 16, height: 13 })
  const details = { data: `{{ ${row} }}`, label: 'The selected row', 'empty-text': 'Select a row to see all of it.', columns: columns.map((column) => ({ key: column.name, label: labelOf(column.name), ...format(column) })) }
  page.add('details', { type: 'key-value', properties: details }, { column: 16, row: 2, width: 8, height: 13 })
  if (canChange) {
    const missing = addForms(source, columns, page, queries)
    if (missing.length > 0) notes.push(`No input fits ${missing.join(', ')}: shown, but not to be changed.`)
  }
  return { document: { format: 1, title, 'home-page': 'home', pages: { home: { title, components: page.components, layout: page.layout } }, queries }, notes }
}

function reachOf(table: Table, dialect: Dialect): { canChange: boolean; notes: string[] } {
  if (dialect.writes === 'none') return { canChange: false, notes: ['This kind of database does not change single rows: the app reads.'] }
  if (!table.key?.length) return { canChange: false, notes: ['The table has no primary key, so no row can be told from the others: the app reads.'] }
  return { canChange: true, notes: [] }
}

class PageMaker {
  readonly components: Record<string, Component> = {}
  readonly layout: Record<string, GridRect> = {}

  add(wanted: string, component: Component, rect: GridRect): string {
    let name = wanted
    for (let number = 2; name in this.components; number += 1) name = `${wanted}${number}`
    this.components[name] = component
    this.layout[name] = rect
    return name
  }
}

function format(column: TableColumn): { format?: string } {
  const found = formatOf(column)
  return found ? { format: found } : {}
}

/** The key first, then what is short enough to be read in a row. */
function listedOf(columns: TableColumn[], { key = [] }: Table) {
  const isKey = ({ name }: TableColumn) => key.includes(name)
  const shown = [...columns.filter(isKey), ...columns.filter((column) => !isKey(column) && !/json|\[\]|bytea|blob|xml/i.test(column.type))].slice(0, listedColumns)
  return shown.map((column) => ({ key: column.name, label: labelOf(column.name), ...format(column) }))
}

function searchedOf(columns: TableColumn[]): TableColumn[] {
  const texts = columns.filter(isSearchable)
  return (texts.length > 0 ? texts : columns.filter(({ type }) => !/bytea|blob/i.test(type))).slice(0, searchedColumns)
}

function searchHint(columns: TableColumn[]): string {
  const names = searchedOf(columns).slice(0, 3).map(({ name }, index) => (index === 0 ? labelOf(name) : labelOf(name).toLowerCase()))
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : (names[0] ?? 'Search')
}

function tableName({ dialect, table }: Source): string {
  return [table.schema, table.name].filter(Boolean).map(dialect.quoted).join('.')
}

function listStatement(source: Source, columns: TableColumn[]): string {
  const { quoted, contains } = source.dialect
  const wanted = searchedOf(columns).map(({ name }) => quoted(name))
  const order = (source.table.key?.length ? source.table.key : columns.slice(0, 1).map(({ name }) => name)).map(quoted)
  const where = wanted.length > 0 ? `\nwhere ${contains(wanted, searched)}` : ''
  return `select ${columns.map(({ name }) => quoted(name)).join(', ')}\nfrom ${tableName(source)}${where}\norder by ${order.join(', ')}\nlimit ${rowLimit}\n`
}

function addForms(source: Source, columns: TableColumn[], page: PageMaker, queries: Record<string, AppQuery>): string[] {
  const { table } = source
  const { key = [], required = [], defaulted = [], filled = [] } = table
  const missing: string[] = []
  const fields = columns.flatMap((column): Field[] => {
    if (filled.includes(column.name)) return []
    const input = inputFor(column, required.includes(column.name), source.dialect)
    if (!input && !key.includes(column.name)) missing.push(column.name)
    return input ? [{ column, input }] : []
  })
  const one = labelOf(table.name).toLowerCase()
  // A column with a default keeps it: a value that nobody typed would take its place.
  const added = fields.filter(({ column }) => !defaulted.includes(column.name) || key.includes(column.name))
  const changed = fields.filter(({ column }) => !key.includes(column.name))
  const button = (wanted: string, label: string, column: number, properties: Component['properties'], ...events: EventHandler['action'][]) =>
    page.add(wanted, { type: 'button', properties: { label, ...properties }, events: events.map((action) => ({ on: 'click', action })) }, { column, row: 0, width: 2, height: 2 })
  const isUnselected = `{{ !${row} }}`

  let below = 16
  if (added.length > 0) {
    const form = formOf(page, 'add', `Add to ${one}`, added, required, below, 'insertRow', undefined)
    below += form.height + 1
    button('addButton', 'Add', 18, { variant: 'primary' }, { do: 'reset', component: 'addForm' }, { do: 'open', component: 'addModal' })
    queries.insertRow = written(source, { do: 'insert', values: form.values }, ['addModal'], 'Row added.')
  }
  if (changed.length > 0) {
    const form = formOf(page, 'edit', `Edit {{ ${row} ? ${rowText(key)} : '' }}`, changed, required, below, 'updateRow', row)
    button('editButton', 'Edit', 20, { disabled: isUnselected }, { do: 'reset', component: 'editForm' }, { do: 'open', component: 'editModal' })
    queries.updateRow = written(source, { do: 'update', values: form.values }, ['editModal'], 'Row changed.')
  }
  button('deleteButton', 'Delete', 22, { variant: 'danger', disabled: isUnselected }, { do: 'run-query', query: 'deleteRow' })
  queries.deleteRow = { ...written(source, { do: 'delete', values: {} }, [], 'Row deleted.'), confirm: `Delete the row {{ ${rowText(key)} }} of ${table.name}? It cannot be brought back.` }
  return missing
}

/** The key of the selected row, for a person to read. */
function rowText(key: string[]): string {
  return key.map((name) => memberOf(row, name)).join(` + ' / ' + `)
}

/** A modal with a form in it; its inputs begin with the values of `before`, where there is a row already. */
function formOf(page: PageMaker, prefix: 'add' | 'edit', title: string, fields: Field[], required: string[], top: number, query: string, before: string | undefined) {
  const modal = page.add(`${prefix}Modal`, { type: 'modal', properties: { title } }, { column: 0, row: top, width: 24, height: 4 })
  const form = page.add(`${prefix}Form`, { type: 'form', properties: { 'submit-label': before ? 'Save' : 'Add' }, events: [{ on: 'submit', action: { do: 'run-query', query } }] }, { column: 0, row: 0, width: 24, height: 4, parent: modal })
  const values: Record<string, string> = {}
  let at = { column: 0, row: 0 }
  let rowsHeight = 0
  for (const { column, input } of fields) {
    if (at.column + input.width > 24) at = { column: 0, row: at.row + rowsHeight }
    if (at.column === 0) rowsHeight = 0
    rowsHeight = Math.max(rowsHeight, input.height)
    const member = before && memberOf(before, column.name)
    // Of a row that is there, an empty text may be meant.
    const isRequired = required.includes(column.name) && !(before && input.kind.startsWith('text')) && input.kind !== 'switch'
    const start = member ? { 'default-value': `{{ ${before} ? ${input.start(member)} : null }}` } : {}
    const properties = { label: labelOf(column.name), ...input.properties, ...(isRequired ? { required: true } : {}), ...start }
    const name = page.add(`${prefix}${nameOf(column.name) || 'Value'}`, { type: input.kind, properties }, { ...at, width: input.width, height: input.height, parent: form })
    values[column.name] = input.value(`${name}.value`, member)
    at = { ...at, column: at.column + input.width }
  }
  const inner = at.row + rowsHeight
  page.layout[form] = { column: 0, row: 0, width: 24, height: inner + 3, parent: modal }
  page.layout[modal] = { column: 0, row: top, width: 24, height: inner + 5 }
  return { values, height: inner + 5 }
}

/** A query that writes: a change with a guard where the database has them, a statement where it has not. */
function written(source: Source, change: { do: 'insert' | 'update' | 'delete'; values: Record<string, string> }, closed: string[], message: string): AppQuery {
  const { resource, dialect, table } = source
  const after: AppQuery['on-success'] = [...closed.map((component) => ({ do: 'close' as const, component })), { do: 'run-query', query: 'listRows' }, { do: 'notify', message }]
  const rest = { resource, mode: 'write' as const, run: 'manual' as const, 'on-success': after }
  const where = (table.key ?? []).map((column) => ({ column, value: memberOf(row, column) }))
  if (dialect.writes === 'statement') return { ...rest, statement: writeStatement(source, change, where) }
  const target = { table: table.name, ...(table.schema ? { schema: table.schema } : {}) }
  const asChange: TableChange = change.do === 'insert' ? { do: 'insert', ...target, values: change.values } : change.do === 'update' ? { do: 'update', ...target, values: change.values, where } : { do: 'delete', ...target, where }
  return { ...rest, change: asChange }
}

function writeStatement(source: Source, { do: verb, values }: { do: string; values: Record<string, string> }, where: { column: string; value: string }[]): string {
  const { quoted } = source.dialect
  const name = tableName(source)
  const condition = where.map(({ column, value }) => `${quoted(column)} = {{ ${value} }}`).join(' and ')
  const entries = Object.entries(values)
  if (verb === 'delete') return `delete from ${name}\nwhere ${condition}`
  if (verb === 'update') return `update ${name}\nset ${entries.map(([column, value]) => `${quoted(column)} = {{ ${value} }}`).join(', ')}\nwhere ${condition}`
  return `insert into ${name} (${entries.map(([column]) => quoted(column)).join(', ')})\nvalues (${entries.map(([, value]) => `{{ ${value} }}`).join(', ')})`
}
