/**
 * Search, filters, sort and sums over all rows, in slices: a hundred thousand rows must not hold the page up.
 *
 * The page may start no worker (its policy allows no script made at run time), and to hand all rows to the sandbox would
 * copy them; so the work pauses whenever a few milliseconds have gone by.
 */
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import type { Row } from '../../rows'
import { cellText } from './cell-text'
import { type Column, isNumericType } from './columns'
import type { Operator } from './operators'

export interface Sort {
  key: string
  direction: 'ascending' | 'descending'
}

export interface Filter {
  key: string
  operator: Operator
  value: string
}

export interface Order {
  sort: Sort | null
  filters: Filter[]
  search: string
}

const sliceMs = 8
const stride = 512

/** Does such work in slices; nothing when it was called off. */
export async function inSlices<T>(work: Generator<undefined, T>, signal: AbortSignal): Promise<T | undefined> {
  for (;;) {
    const until = performance.now() + sliceMs
    do {
      const step = work.next()
      if (step.done) return step.value
    } while (performance.now() < until)
    await pause()
    if (signal.aborted) return undefined
  }
}

/** Lets the page do what waits. A timer would wait at least four milliseconds. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** Indexes of rows in the order that they show. */
export function* arrange(rows: Row[], columns: Column[], { sort, filters, search }: Order): Generator<undefined, number[]> {
  const byKey = new Map(columns.map((column) => [column.key, column]))
  const tests = filters.flatMap((filter) => testOf(filter, byKey.get(filter.key)))
  const wanted = search.trim().toLocaleLowerCase()
  let order: number[] | undefined
  if (tests.length > 0 || wanted !== '') {
    order = []
    const searched = columns.filter(({ type }) => type !== 'button' && type !== 'image')
    for (let at = 0; at < rows.length; at += 1) {
      if (at % stride === 0) yield
      const row = rows[at]
      if (!row || !tests.every((test) => test(row))) continue
      if (wanted === '' || searched.some((column) => foundIn(row[column.key], column, wanted))) order.push(at)
    }
  }
  const column = sort && byKey.get(sort.key)
  if (column) order = yield* sorted(rows, order ?? rows.map((_, index) => index), column, sort.direction === 'descending' ? -1 : 1)
  return order ?? rows.map((_, index) => index)
}

/** As it came or as it is shown: people search for what they see. */
function foundIn(value: unknown, column: Column, wanted: string): boolean {
  if (value === null || value === undefined) return false
  if (textOf(value).toLocaleLowerCase().includes(wanted)) return true
  return column.type !== 'text' && column.type !== 'json' && cellText(value, column).toLocaleLowerCase().includes(wanted)
}

/** A value to compare by. */
function keyOf(value: unknown, column: Column): number | string | null {
  if (value === null || value === undefined || value === '') return null
  if (isNumericType(column.type)) return numberOf(value) ?? textOf(value)
  if (column.type === 'date' || column.type === 'datetime') {
    const at = new Date(typeof value === 'number' ? value : textOf(value)).getTime()
    return Number.isNaN(at) ? textOf(value) : at
  }
  if (typeof value === 'boolean' || column.type === 'boolean') return flagOf(value) ? 1 : 0
  return typeof value === 'number' ? value : textOf(value)
}

function testOf(filter: Filter, column: Column | undefined): ((row: Row) => boolean)[] {
  if (!column) return []
  const { key, operator } = filter
  const isEmpty = (row: Row) => keyOf(row[key], column) === null
  if (operator === 'empty') return [isEmpty]
  if (operator === 'filled') return [(row) => !isEmpty(row)]
  if (filter.value === '') return []
  const text = filter.value.toLocaleLowerCase()
  const wanted = keyOf(filter.value, column)
  const isSame = (row: Row) => {
    const found = keyOf(row[key], column)
    return found === wanted || (found !== null && (textOf(row[key]).toLocaleLowerCase() === text || cellText(row[key], column).toLocaleLowerCase() === text))
  }
  switch (operator) {
    case 'contains':
      return [(row) => foundIn(row[key], column, text)]
    case 'is':
      return [isSame]
    case 'is-not':
      return [(row) => !isSame(row)]
    case 'from':
    case 'to': {
      const sign = operator === 'from' ? 1 : -1
      return [
        (row) => {
          const found = keyOf(row[key], column)
          return found !== null && wanted !== null && sign * compared(found, wanted) >= 0
        },
      ]
    }
  }
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Numbers before texts. */
function compared(left: number | string, right: number | string): number {
  if (typeof left === 'number') return typeof right === 'number' ? left - right : -1
  return typeof right === 'number' ? 1 : collator.compare(left, right)
}

/** Merges sorted runs, so that it can pause; equal ones stay in their order, and empty ones are last whatever the direction. */
function* sorted(rows: Row[], order: number[], column: Column, sign: number): Generator<undefined, number[]> {
  const keys: (number | string)[] = []
  const filled: number[] = []
  const empty: number[] = []
  for (const [count, index] of order.entries()) {
    if (count % stride === 0) yield
    const key = keyOf(rows[index]?.[column.key], column)
    if (key === null) empty.push(index)
    else {
      keys[index] = key
      filled.push(index)
    }
  }
  const ranks = yield* ranked(keys, filled)
  const before = (left: number, right: number) => sign * ((ranks[left] ?? 0) - (ranks[right] ?? 0)) || left - right
  return [...(yield* merged(filled, before)), ...empty]
}

/** Texts are compared by the rules of a language, which is slow: each different one is placed once, and then numbers are compared. */
function* ranked(keys: (number | string)[], order: number[]): Generator<undefined, number[]> {
  const places = new Map<number | string, number>()
  const different: (number | string)[] = []
  for (const [count, index] of order.entries()) {
    if (count % stride === 0) yield
    const key = keys[index] ?? 0
    if (places.has(key)) continue
    places.set(key, 0)
    different.push(key)
  }
  const inOrder = yield* merged(different, compared)
  let rank = 0
  for (const [at, key] of inOrder.entries()) {
    if (at % stride === 0) yield
    const previous = inOrder[at - 1]
    if (previous !== undefined && compared(previous, key) !== 0) rank += 1
    places.set(key, rank)
  }
  const ranks: number[] = []
  for (const [count, index] of order.entries()) {
    if (count % stride === 0) yield
    ranks[index] = places.get(keys[index] ?? 0) ?? 0
  }
  return ranks
}

function* merged<T>(items: T[], compare: (left: T, right: T) => number): Generator<undefined, T[]> {
  let from: T[] = []
  for (let at = 0; at < items.length; at += stride) {
    yield
    for (const item of items.slice(at, at + stride).sort(compare)) from.push(item)
  }
  for (let width = stride; width < from.length; width *= 2) {
    const to: T[] = []
    for (let start = 0; start < from.length; start += 2 * width) {
      let left = start
      const middle = Math.min(start + width, from.length)
      let right = middle
      const end = Math.min(start + 2 * width, from.length)
      while (left < middle || right < end) {
        if (to.length % stride === 0) yield
        const isLeft = right >= end || (left < middle && compare(from[left] as T, from[right] as T) <= 0)
        to.push(from[isLeft ? left++ : right++] as T)
      }
    }
    from = to
  }
  return from
}

/** What stands in the summary line, by column. */
export function* summed(rows: Row[], order: number[] | undefined, columns: Column[], asShown: (row: Row) => Row): Generator<undefined, Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { key, summary } of columns) {
    if (!summary) continue
    let [count, total, least, most] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    const length = order?.length ?? rows.length
    for (let at = 0; at < length; at += 1) {
      if (at % stride === 0) yield
      const row = rows[order ? (order[at] ?? 0) : at]
      const value = row && asShown(row)[key]
      if (value === null || value === undefined || value === '') continue
      if (summary === 'count') {
        count += 1
        continue
      }
      const number = numberOf(value)
      if (number === null) continue
      count += 1
      total += number
      least = Math.min(least, number)
      most = Math.max(most, number)
    }
    if (summary === 'count') sums[key] = count
    // Without the noise of binary fractions.
    else if (count > 0) sums[key] = Number((summary === 'sum' ? total : summary === 'average' ? total / count : summary === 'min' ? least : most).toPrecision(14))
  }
  return sums
}
