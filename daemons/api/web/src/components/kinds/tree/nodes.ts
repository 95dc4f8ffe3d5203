/** From nested things, or from rows that name their parents, to a tree. */
import { jsonOf, textOf } from '../../../runtime/values'
import { type Row, column, rowsOf } from '../../rows'

export interface TreeNode {
  /** Different for each node. */
  id: string
  value: unknown
  label: string
  source: unknown
  children: TreeNode[]
}

const deepest = 40
/** More are for a search. */
export const mostNodes = 20_000

export function treeOf(data: unknown, read: (property: string) => unknown): TreeNode[] {
  const given = jsonOf(data)
  const rows = rowsOf(given)
  const labelKey = column(rows, read('label-key'), ['label', 'name', 'title'])
  const valueKey = column(rows, read('value-key'), ['value', 'id'])
  const parentKey = textOf(read('parent-key')).trim()
  if (parentKey !== '') return fromRows(rows.slice(0, mostNodes), labelKey, valueKey, parentKey)
  let count = 0
  const nested = (list: unknown, path: string, depth: number): TreeNode[] => {
    if (!Array.isArray(list) || depth > deepest) return []
    return list.flatMap((item: unknown, index): TreeNode[] => {
      count += 1
      if (count > mostNodes || item === null || item === undefined) return []
      const id = `${path}/${index}`
      if (typeof item !== 'object') return [{ id, value: item, label: textOf(item), source: item, children: [] }]
      const row = item as Row
      const value = row[valueKey] ?? row[labelKey]
      return [{ id, value, label: textOf(row[labelKey]) || textOf(value), source: item, children: nested(row.children, id, depth + 1) }]
    })
  }
  return nested(given, '', 0)
}

function fromRows(rows: Row[], labelKey: string, valueKey: string, parentKey: string): TreeNode[] {
  const byValue = new Map<string, TreeNode>()
  for (const row of rows) {
    const id = textOf(row[valueKey])
    if (!byValue.has(id)) byValue.set(id, { id, value: row[valueKey], label: textOf(row[labelKey]) || id, source: row, children: [] })
  }
  const roots: TreeNode[] = []
  for (const node of byValue.values()) {
    const parent = byValue.get(textOf((node.source as Row)[parentKey]))
    // A row that is its own parent is a circle as well: nothing leads to it.
    if (parent) parent.children.push(node)
    else roots.push(node)
  }
  return roots
}

export interface Visible {
  node: TreeNode
  level: number
  /** Its place among those of the same parent, and their number. */
  place: number
  count: number
  parent: string | undefined
}

/** The nodes that show, from top to bottom. */
export function visible(nodes: TreeNode[], isOpen: (id: string) => boolean): Visible[] {
  const list: Visible[] = []
  const walk = (level: number, own: TreeNode[], parent: string | undefined) => {
    own.forEach((node, index) => {
      list.push({ node, level, place: index + 1, count: own.length, parent })
      if (level < deepest && node.children.length > 0 && isOpen(node.id)) walk(level + 1, node.children, node.id)
    })
  }
  walk(1, nodes, undefined)
  return list
}
