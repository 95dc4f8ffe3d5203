/** Lines that show what a moved component stands in line with. */
import type { GridRect } from '../api/types'

export interface Guides {
  /** Column lines, from 0 to 24. */
  columns: number[]
  /** Row lines. */
  rows: number[]
}

export function guidesFor(rect: GridRect, others: readonly GridRect[]): Guides {
  const inLine = (own: number[], theirs: (other: GridRect) => number[]) => [...new Set(own.filter((line) => others.some((other) => theirs(other).includes(line))))]
  return {
    columns: inLine([rect.column, rect.column + rect.width], (other) => [other.column, other.column + other.width]),
    rows: inLine([rect.row, rect.row + rect.height], (other) => [other.row, other.row + other.height]),
  }
}
