import { describe, expect, it, test } from 'vitest'
import type { ImportNote } from '../src/api/types'
import { slugOf } from '../src/studio/CreateDocument'
import { exportIn } from '../src/workflow/imports/export-file'
import { dropReport, keepReport, keptReports } from '../src/workflow/imports/kept-reports'
import { countsText, groupsOf, partsOf, reportText } from '../src/workflow/imports/report'

const report: ImportNote[] = [
  { level: 'changed', message: 'Its times are in UTC.' },
  { node: 'Load', block: 'load', level: 'translated', message: 'It is a block of the kind `query`.' },
  { node: 'Load', block: 'load', level: 'changed', message: 'Name your resource.' },
  { node: 'Sheets', block: 'sheets', level: 'missing', message: 'A block that fails stands in its place.' },
]

describe('the report of an import', () => {
  it('has the worst first, in the order of the file, and no level without notes', () => {
    expect(groupsOf(report).map(({ level, notes }) => [level, notes.length])).toEqual([
      ['missing', 1],
      ['changed', 2],
      ['translated', 1],
    ])
    expect(groupsOf(report.slice(1, 2)).map(({ level }) => level)).toEqual(['translated'])
  })

  it('counts by level, and says when there is nothing', () => {
    expect(countsText(report)).toBe('1 translated · 2 changed · 1 missing')
    expect(countsText(report.slice(1, 2))).toBe('1 translated')
    expect(countsText([])).toBe('Nothing to report')
  })

  it('is a text with the node, its block and the message of each note', () => {
    const text = reportText({ name: 'Orders', report })
    expect(text.startsWith('Import from n8n: Orders\n1 translated · 2 changed · 1 missing\n\nMissing (1). ')).toBe(true)
    expect(text).toContain('\n- Sheets (block sheets): A block that fails stands in its place.\n')
    expect(text).toContain('\n- The whole workflow: Its times are in UTC.\n')
    expect(text.endsWith('\n')).toBe(true)
    expect(reportText({ name: 'Orders', report: [] })).toBe('Import from n8n: Orders\nNothing to report\n')
  })

  it('is kept for the editor of its workflow until it is dismissed', () => {
    keepReport('orders', report)
    keepReport('letters', [])
    dropReport('orders')
    expect(keptReports.getState().reports).toEqual({ letters: [] })
  })
})

test('what stands between backticks is code, and a lone backtick is not', () => {
  expect(partsOf('Use `secret()` or `vars`')).toEqual([
    { text: 'Use ', isCode: false },
    { text: 'secret()', isCode: true },
    { text: ' or ', isCode: false },
    { text: 'vars', isCode: true },
  ])
  expect(partsOf('a ` b')).toEqual([{ text: 'a ` b', isCode: false }])
})

describe('the text of an export', () => {
  it('is JSON, with or without a mark before it', () => {
    expect(exportIn('\uFEFF {"nodes": []}\n')).toEqual({ value: { nodes: [] } })
  })

  it('says what to do when it is none', () => {
    expect(exportIn(' \n')).toMatchObject({ error: expect.stringMatching(/^There is nothing in it\. Download/) })
    expect(exportIn('<html>')).toMatchObject({ error: expect.stringMatching(/^This is no JSON: .+\. Download .+ as it is\.$/) })
  })

  it('is counted as it is sent: without the spaces between values', () => {
    const spaces = ' '.repeat(5 * 1024 * 1024)
    expect(exportIn(`{${spaces}}`)).toEqual({ value: {} })
    expect(exportIn(JSON.stringify({ pinData: 'é'.repeat(2.2 * 1024 * 1024) }))).toMatchObject({ error: expect.stringMatching(/^It has 4\.4 MiB, and the most is 4\.0 MiB\. Delete pinned data/) })
    expect(exportIn(`{${spaces.repeat(4)}}`)).toMatchObject({ error: expect.stringMatching(/^It has 20\.0 MiB/) })
  })
})

test('an address follows from any title, and is one that the server takes', () => {
  expect(slugOf('  Menü & Öffnung: Übersicht ')).toBe('menu-offnung-ubersicht')
  expect(slugOf('Résumé')).toBe('resume')
  expect(slugOf(`${'a'.repeat(62)} b`)).toBe('a'.repeat(62))
  expect(slugOf('注文')).toBe('')
})
