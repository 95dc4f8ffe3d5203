import { describe, expect, it } from 'vitest'
import { type History, addRows, cellOf, countOf, deleteRows, emptyHistory, emptySheet, faultsOf, forget, rebase, redo, restoreRows, setCells, step, toEdits, undo } from '../src/tables/edits'
import { columnNames } from '../src/generate/csv'
import { CsvReader, rejectedCsv } from '../src/tables/csv-reader'
import { fromTsv, toTsv } from '../src/tables/tsv'

const [one, two] = ['["1"]', '["2"]']
const set = (history: History, row: string, column: string, read: string | null, value: string | null) => step(history, setCells(history.now, [{ row, column, read, value }]))

describe('edits of a table', () => {
  it('are undone and done again step by step, and a new one ends what was undone', () => {
    let history = set(emptyHistory, one, 'name', 'a', 'b')
    history = set(history, one, 'name', 'a', 'c')
    history = set(history, two, 'note', null, '')
    expect(countOf(history.now)).toBe(2)
    history = undo(undo(history))
    expect(history.now.changed).toEqual({ [one]: { name: { old: 'a', new: 'b' } } })
    history = redo(history)
    expect(history.now.changed[one]?.name).toEqual({ old: 'a', new: 'c' })
    history = set(history, two, 'note', null, 'x')
    expect(redo(history)).toBe(history)
    expect(undo(emptyHistory)).toBe(emptyHistory)
  })

  it('are none where a cell is again what it was, and null is no empty text', () => {
    const changed = setCells(emptySheet, [{ row: one, column: 'note', read: null, value: '' }])
    expect(countOf(changed)).toBe(1)
    expect(setCells(changed, [{ row: one, column: 'note', read: null, value: null }])).toEqual(emptySheet)
    expect(setCells(emptySheet, [{ row: one, column: 'note', read: 'a', value: 'a' }])).toBe(emptySheet)
    expect([cellOf('', 'text'), cellOf('', 'numeric(8,2)'), cellOf('5', 'bigint')]).toEqual(['', null, '5'])
  })

  it('are sent with what was read, deletions first', () => {
    let sheet = setCells(emptySheet, [
      { row: one, column: 'name', read: 'a', value: 'b' },
      { row: two, column: 'name', read: 'c', value: 'd' },
    ])
    sheet = deleteRows(sheet, [{ row: two, read: { name: 'c', note: null } }])
    sheet = setCells(addRows(sheet, 2), [{ row: '+2', column: 'name', read: null, value: 'new' }])
    expect(toEdits(sheet)).toEqual({
      rows: [two, one, '+1', '+2'],
      edits: [
        { do: 'delete', key: ['2'], old: { name: 'c', note: null } },
        { do: 'update', key: ['1'], cells: [{ column: 'name', old: 'a', new: 'b' }] },
        { do: 'insert', values: {} },
        { do: 'insert', values: { name: 'new' } },
      ],
    })
    expect(countOf(sheet)).toBe(4)
    expect(toEdits(restoreRows(sheet, [two])).edits).toHaveLength(4)
    expect(deleteRows(sheet, [{ row: '+1', read: {} }]).added.map(({ id }) => id)).toEqual(['+2'])
  })

  it('go on over what somebody else has written, or are taken back', () => {
    const sheet = setCells(emptySheet, [{ row: one, column: 'name', read: 'a', value: 'mine' }])
    const [fault] = faultsOf([{ edit: 0, column: 'name', why: 'changed', current: 'theirs', message: '' }], [one])
    expect(fault?.row).toBe(one)
    expect(rebase(sheet, one, 'name', 'theirs').changed[one]?.name).toEqual({ old: 'theirs', new: 'mine' })
    expect(forget(sheet, one, 'name')).toEqual(emptySheet)
    expect(forget(deleteRows(sheet, [{ row: one, read: { name: 'a' } }]), one)).toEqual(emptySheet)
  })
})

describe('a range on the clipboard', () => {
  it('comes back as it was', () => {
    const rows = [['a', 'b "c"', ''], ['tab\there', 'two\nlines', 'x']]
    expect(fromTsv(toTsv(rows))).toEqual(rows)
    expect(toTsv([[null, '1']])).toBe('\t1')
  })

  it('is read as spreadsheets write it', () => {
    expect(fromTsv('1\t2\r\n3\t4\r\n')).toEqual([['1', '2'], ['3', '4']])
    expect(fromTsv('5" pipe\tx')).toEqual([['5" pipe', 'x']])
    expect(fromTsv('"open\tx')).toEqual([['"open', 'x']])
    expect(fromTsv('one')).toEqual([['one']])
    expect(fromTsv('')).toEqual([['']])
  })
})

describe('a CSV file in pieces', () => {
  it('is the same wherever it is cut', () => {
    const text = '\uFEFFName;Note\r\n"Ada; L.";"says ""hi""\nand more"\r\n\r\nBob;\r\nEve;""'
    const whole = new CsvReader().read(text, true)
    expect(whole).toEqual([
      { line: 1, cells: ['Name', 'Note'] },
      { line: 2, cells: ['Ada; L.', 'says "hi"\nand more'] },
      { line: 5, cells: ['Bob', null] },
      { line: 6, cells: ['Eve', ''] },
    ])
    for (let cut = 1; cut < text.length; cut += 1) {
      const reader = new CsvReader()
      expect([...reader.read(text.slice(0, cut)), ...reader.read(text.slice(cut)), ...reader.read('', true)], `cut at ${cut}`).toEqual(whole)
    }
  })

  it('with a quote that is never closed is none', () => {
    expect(() => new CsvReader().read('a,b\n1,"open\n2,3\n', true)).toThrow('line 2')
    expect(() => new CsvReader().read('a\0b')).toThrow('no text')
  })

  it('names its columns for a database, and its rejected rows for a person', () => {
    expect(columnNames(['Größe (cm)', null, 'size', 'Size', '2024'])).toEqual(['gro_e_cm', 'column_2', 'size', 'size_2', 'c_2024'])
    expect(rejectedCsv(['a', 'b'], [{ line: 7, column: 'a', reason: 'no, "x"', cells: [null, ''] }])).toBe('line,column,reason,a,b\r\n7,a,"no, ""x""",,""\r\n')
  })
})
