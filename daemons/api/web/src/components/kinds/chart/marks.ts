/** What can be pointed at in a chart, whatever its form. */
import type { Row } from './series'

export interface Mark {
  /** What it says. */
  title: string
  lines: { name: string; text: string; series: number }[]
  /** Where its note stands, in pixels of the chart. */
  x: number
  y: number
  /** What expressions get to see. */
  selected: { x: unknown; series: string; value: unknown; row: Row | null }
}

export interface Size {
  width: number
  height: number
}

/** What the forms share. */
export interface FormProps {
  size: Size
  /** The mark that is pointed at, by its place in the list. */
  active: number | undefined
  onActive: (index: number | undefined) => void
  onSelect: (index: number) => void
  /** Called with all marks whenever they change, so that the keyboard leads through them. */
  marks: Mark[]
  format: (value: number) => string
}

export function colour(series: number): string {
  return `var(--chart-${(series % 8) + 1})`
}
