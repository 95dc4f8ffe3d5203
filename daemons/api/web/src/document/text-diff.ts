/** Two texts line by line: what is only in the first, what only in the second, and some of what is around it. */

export interface DiffLine {
  kind: 'same' | 'removed' | 'added'
  text: string
  /** Its number in the first text, or in the second, from 1. */
  before?: number
  after?: number
}

/** A run of lines, and how many equal ones were passed by before it. */
export interface Hunk {
  skipped: number
  lines: DiffLine[]
}

/** Past this the texts have little in common, and no shortest way from one to the other is looked for. */
const maxEdits = 1200

export function textDiff(before: string, after: string, context = 3): Hunk[] {
  return hunksOf(linesOf(before.split('\n'), after.split('\n')), context)
}

function linesOf(a: string[], b: string[]): DiffLine[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA -= 1
    endB -= 1
  }
  const same = (from: number, count: number, shift: number): DiffLine[] => Array.from({ length: count }, (_, index) => ({ kind: 'same', text: a[from + index] ?? '', before: from + index + 1, after: from + index + 1 + shift }))
  return [...same(0, start, 0), ...middle(a.slice(start, endA), b.slice(start, endB), start), ...same(endA, a.length - endA, endB - endA)]
}

/** Myers' shortest edit script. */
function middle(a: string[], b: string[], offset: number): DiffLine[] {
  const removed = (index: number): DiffLine => ({ kind: 'removed', text: a[index] ?? '', before: offset + index + 1 })
  const added = (index: number): DiffLine => ({ kind: 'added', text: b[index] ?? '', after: offset + index + 1 })
  const traces: Map<number, number>[] = []
  let furthest = new Map<number, number>([[1, 0]])
  const most = Math.min(a.length + b.length, maxEdits)
  let found = -1
  search: for (let edits = 0; edits <= most; edits += 1) {
    traces.push(furthest)
    furthest = new Map(furthest)
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = stepsDown(furthest, diagonal, edits) ? (furthest.get(diagonal + 1) ?? 0) : (furthest.get(diagonal - 1) ?? 0) + 1
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1
      furthest.set(diagonal, x)
      if (x >= a.length && x - diagonal >= b.length) {
        found = edits
        break search
      }
    }
  }
  if (found < 0) return [...a.map((_, index) => removed(index)), ...b.map((_, index) => added(index))]
  const lines: DiffLine[] = []
  let x = a.length
  let y = b.length
  for (let edits = found; edits >= 0; edits -= 1) {
    const trace = traces[edits] ?? new Map<number, number>()
    const diagonal = x - y
    const isDown = stepsDown(trace, diagonal, edits)
    const fromDiagonal = isDown ? diagonal + 1 : diagonal - 1
    const fromX = edits === 0 ? 0 : (trace.get(fromDiagonal) ?? 0)
    const fromY = edits === 0 ? 0 : fromX - fromDiagonal
    const [stopX, stopY] = edits === 0 ? [0, 0] : isDown ? [fromX, fromY + 1] : [fromX + 1, fromY]
    while (x > stopX && y > stopY) {
      x -= 1
      y -= 1
      lines.push({ kind: 'same', text: a[x] ?? '', before: offset + x + 1, after: offset + y + 1 })
    }
    if (edits > 0) lines.push(isDown ? added(fromY) : removed(fromX))
    ;[x, y] = [fromX, fromY]
  }
  return lines.reverse()
}

function stepsDown(furthest: Map<number, number>, diagonal: number, edits: number): boolean {
  return diagonal === -edits || (diagonal !== edits && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1))
}

function hunksOf(lines: DiffLine[], context: number): Hunk[] {
  const near = new Uint8Array(lines.length)
  lines.forEach((line, index) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, index - context), Math.min(lines.length, index + context + 1))
  })
  const hunks: Hunk[] = []
  let skipped = 0
  lines.forEach((line, index) => {
    if (!near[index]) {
      skipped += 1
      return
    }
    if (skipped > 0 || hunks.length === 0) hunks.push({ skipped, lines: [] })
    skipped = 0
    hunks.at(-1)?.lines.push(line)
  })
  return hunks
}
