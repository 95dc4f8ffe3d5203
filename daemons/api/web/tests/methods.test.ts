import { describe, expect, it, vi } from 'vitest'
import { type Handle, methodTable } from '../src/runtime/methods'

/** A component of a kind with such properties; what it held, was told and triggered. */
function component(kind: string, properties: Record<string, unknown>, state: Record<string, unknown> = {}, valid = true) {
  let held = state
  const events: string[] = []
  const told: unknown[][] = []
  const handle: Handle = {
    name: 'one',
    read: (property) => properties[property],
    held: () => held,
    set: (values) => void (held = { ...held, ...values }),
    reset: () => void (held = {}),
    submit: async () => events.push('submit'),
    validate: () => valid,
    trigger: async (event) => events.push(event) > 0,
    tell: (...what) => void told.push(what),
    element: () => undefined,
  }
  const call = async (method: string, ...given: unknown[]) => {
    const found = methodTable(kind)[method]
    if (!found) throw new Error(`a ${kind} has no ${method}`)
    return found.run(handle, ...given)
  }
  return { call, events, told, held: () => held }
}

describe('methods of a table', () => {
  const data = [{ id: 1, name: 'Lyon' }, { id: 2, name: 'Porto' }]

  it('select, search, filter, sort and turn pages as a person would', async () => {
    const { call, held, events } = component('table', { data }, { page: 3, offset: 20, pageSize: 10 })
    await call('selectRow', 1)
    expect(held()).toMatchObject({ selectedRow: data[1], selectedIndex: 1, selectedRows: [data[1]] })
    await call('setSearch', 'por')
    expect(held()).toMatchObject({ search: 'por', page: 1, offset: 0 })
    await call('setFilters', [{ key: 'name', operator: 'is', value: 'Porto' }])
    await call('sortBy', 'name', 'descending')
    expect(held()).toMatchObject({ filters: [{ key: 'name', operator: 'is', value: 'Porto' }], sort: { key: 'name', direction: 'descending' } })
    await call('goToPage', 4)
    expect(held()).toMatchObject({ page: 4, offset: 30 })
    await call('clearFilters')
    await call('sortBy', '')
    await call('clearSelection')
    expect(held()).toMatchObject({ filters: [], search: '', sort: null, selectedRow: null, selectedIndex: -1, page: 1 })
    expect(events).toEqual(['row-select', 'search-change', 'filter-change', 'sort-change', 'page-change', 'filter-change', 'sort-change'])
  })

  it('refuse what is not there', async () => {
    const { call } = component('table', { data })
    await expect(call('selectRow', 7)).rejects.toThrow('there is no row 7')
    for (const filters of [undefined, {}, [1], [{ key: 'name', operator: 'like', value: '' }]]) await expect(call('setFilters', filters)).rejects.toThrow('filters are a list')
    await expect(call('export', 'pdf')).rejects.toThrow('csv, xlsx, json')
  })

  it('forget changes once they are saved, and give them up', async () => {
    const { call, held, events } = component('table', { data }, { changes: [{}], newRows: [] })
    await call('addRow', { name: 'New' })
    expect(held()['newRows']).toEqual([{ name: 'New' }])
    await call('save')
    expect(held()).toMatchObject({ changes: [], newRows: [] })
    await call('addRow', undefined)
    await call('discardChanges')
    expect([held()['newRows'], events]).toEqual([[], ['save', 'cancel']])
  })

  it('save the rows as they show', async () => {
    let text = ''
    vi.stubGlobal('document', { createElement: () => ({ click: () => undefined }) })
    vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => (void (blob as Blob).text().then((read) => (text = read)), 'blob:x'))
    const { call } = component('table', { data, columns: [{ key: 'name', label: 'Name' }, { key: 'id', hidden: true }] }, { sort: { key: 'name', direction: 'descending' }, changes: [{ key: 1, row: data[0], values: { name: 'Lyon 2' } }] })
    await call('export', '')
    await vi.waitFor(() => expect(text.replace('\uFEFF', '')).toBe('Name\r\nPorto\r\nLyon 2\r\n'))
    vi.unstubAllGlobals()
  })
})

describe('methods of others', () => {
  it('show a tab that there is', async () => {
    const { call, held } = component('tabs', { tabs: [{ value: 'a', label: 'A' }, { value: 'b', label: 'B' }] })
    await call('goTo', 'b')
    expect(held()).toEqual({ value: 'b' })
    await expect(call('goTo', 'c')).rejects.toThrow('there is no tab c: it has a, b')
  })

  it('go from step to step, on only when nothing is wrong', async () => {
    const steps = [{ value: 1, label: 'One' }, { value: 2, label: 'Two' }]
    const { call, held, events } = component('steps', { steps })
    await call('next')
    expect(held()).toEqual({ value: 2 })
    await call('next')
    expect(events).toEqual(['submit'])
    await call('back')
    await call('back')
    expect(held()).toEqual({ value: 1 })
    const held2 = component('steps', { steps }, {}, false)
    await held2.call('next')
    expect(held2.held()).toEqual({})
  })

  it('empty inputs whatever their default, and say whether something is wrong', async () => {
    const { call, held } = component('number-input', { 'default-value': 7 }, {}, false)
    await call('clear')
    expect(held()).toEqual({ value: null })
    expect(await call('validate')).toBe(false)
    const file = component('file-picker', {}, { value: { name: 'a' }, files: [{ name: 'a' }] })
    await file.call('clear')
    expect(file.held()).toEqual({ value: null, files: [] })
  })

  it('show the month of a day', async () => {
    const { call, held, events } = component('calendar', { 'week-start': 'monday' }, { selectedDay: '2026-11-03' })
    await call('goTo', '2026-02-14')
    expect(held()).toMatchObject({ month: '2026-02', from: '2026-01-26', to: '2026-03-01' })
    expect(events).toEqual(['month-change'])
    await expect(call('goTo', 'soon')).rejects.toThrow('soon is no day')
    await call('clearSelection')
    expect(held()['selectedDay']).toBeNull()
  })

  it('choose nothing, and leave what a view alone can do to it', async () => {
    const tree = component('tree', {}, { selected: { id: 1 }, value: 1 })
    await tree.call('clearSelection')
    expect(tree.held()).toEqual({ selected: null, value: null })
    await tree.call('expandAll')
    const map = component('map', {})
    await map.call('centerOn', 45, 4)
    const list = component('list', {})
    await list.call('scrollTo', 30)
    expect([...tree.told, ...map.told, ...list.told]).toEqual([['show', true], ['centerOn', 45, 4, undefined], ['scrollTo', 30]])
  })
})
