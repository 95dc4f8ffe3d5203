/** A change of a table that is said without SQL: what it says, which expressions it has, and how one is begun. */
import type { TableChange } from '../api/types'

export type ChangeKind = TableChange['do']

export const changeKinds: Record<ChangeKind, string> = {
  insert: 'Insert a row',
  update: 'Update rows',
  delete: 'Delete rows',
  upsert: 'Insert or update a row',
  'bulk-upsert': 'Insert or update many rows',
}

type Fields<Field extends string> = Extract<TableChange, Record<Field, unknown>>
export type Condition = Fields<'where'>['where'][number]
export type Operator = NonNullable<Condition['operator']>
export type AtMost = NonNullable<Fields<'where'>['at-most']>

export const operators: Record<Operator, string> = { '=': '=', '<>': '≠', '<': '<', '<=': '≤', '>': '>', '>=': '≥', in: 'is one of', 'is-null': 'is null' }

/** One line that says what it does. */
export function changeText(change: TableChange): string {
  const words: Record<ChangeKind, string> = { insert: 'Inserts into', update: 'Updates', delete: 'Deletes from', upsert: 'Upserts into', 'bulk-upsert': 'Upserts many into' }
  return `${words[change.do]} ${change.table || 'no table'}`
}

/** Its JavaScript expressions, as the server knows them: without the space around them. */
export function expressionsOf(change: TableChange): string[] {
  const found: string[] = []
  mapExpressions(change, (source) => {
    found.push(source.trim())
    return source
  })
  return found
}

/** The same change with each expression rewritten. */
export function mapExpressions(change: TableChange, rewrite: (source: string) => string): TableChange {
  const next = { ...change }
  if ('values' in next) next.values = Object.fromEntries(Object.entries(next.values).map(([column, value]) => [column, rewrite(value)]))
  if ('rows' in next) next.rows = rewrite(next.rows)
  if ('where' in next) next.where = next.where.map((condition) => (condition.value ? { ...condition, value: rewrite(condition.value) } : condition))
  return next
}

/** Another kind of change of the same table; what both kinds have is kept. */
export function changeOf(kind: ChangeKind, before?: TableChange): TableChange {
  const target = { table: before?.table ?? '', ...(before?.schema ? { schema: before.schema } : {}) }
  const values = before && 'values' in before ? before.values : {}
  const where = before && 'where' in before ? before.where : []
  const conflict = before && 'conflict' in before ? before.conflict : []
  switch (kind) {
    case 'insert':
      return { do: kind, ...target, values }
    case 'update':
      return { do: kind, ...target, values, where }
    case 'delete':
      return { do: kind, ...target, where }
    case 'upsert':
      return { do: kind, ...target, values, conflict }
    case 'bulk-upsert':
      return { do: kind, ...target, rows: before && 'rows' in before ? before.rows : '', columns: Object.keys(values), conflict }
  }
}
