import { describe, expect, it } from 'vitest'
import { moved, parameterName } from '../src/document/library-query'

const named = { slug: 'find', title: 'Find' }

describe('a query that moves to the library', () => {
  it('binds parameters, and is given the same values as before', () => {
    const statement = "select * from t where name = {{ search.value }} and id = {{table1.selectedRow.id}} and owner = {{ current_user.email }} or n = {{ search.value }}"
    const { document, reference } = moved({ resource: 'shop', statement }, ['search.value', 'table1.selectedRow.id', 'current_user.email'], named)
    expect(document.query.statement).toBe('select * from t where name = {{ search }} and id = {{ id }} and owner = {{ current_user.email }} or n = {{ search }}')
    expect(document.parameters).toEqual({ search: {}, id: {} })
    expect(reference.library).toEqual({ query: 'find', arguments: { search: 'search.value', id: 'table1.selectedRow.id' } })
    expect([reference.statement, reference.mode]).toEqual(['', 'read'])
  })

  it('stays a write', () => {
    const { document, reference } = moved({ resource: 'shop', statements: ['delete from t where id = {{ a.id }}'] }, ['a.id'], named)
    expect([document.query.statements, reference.mode]).toEqual([['delete from t where id = {{ id }}'], 'write'])
  })
})

describe('the name of a parameter', () => {
  it('is what the expression ends with, and not taken', () => {
    expect(parameterName('table1.selectedRow.id', new Set())).toBe('id')
    expect(parameterName('search.value', new Set())).toBe('search')
    expect(parameterName('other.id', new Set(['id']))).toBe('id2')
    expect(parameterName("a ? 'b' : c", new Set())).toBe('value')
  })
})
