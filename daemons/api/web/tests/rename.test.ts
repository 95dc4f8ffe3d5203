import { describe, expect, it } from 'vitest'
import { renameInExpression, renameInPython, renameInScript, renameInTemplate } from '../src/document/rename'

describe('renaming rewrites references and nothing else', () => {
  it.each([
    ['load.rows', 'fetch.rows'],
    ['a.load + load.load', 'a.load + fetch.load'],
    ["{ load: load, x: 'load' }", "{ load: fetch, x: 'load' }"],
  ])('%s', (source, expected) => {
    expect(renameInExpression(source, 'load', 'fetch')).toBe(expected)
  })

  it('in every binding of a text', () => {
    expect(renameInTemplate("load {{ load.a }} and {{load.b + '}}'}} load", 'load', 'fetch')).toBe("load {{ fetch.a }} and {{fetch.b + '}}'}} load")
  })

  it('in scripts and in Python', () => {
    expect(renameInScript('const x = load.rows\nreturn x', 'load', 'fetch')).toBe('const x = fetch.rows\nreturn x')
    expect(renameInPython("return load['rows'] + x.load + loader", 'load', 'fetch')).toBe("return fetch['rows'] + x.load + loader")
  })

  it('leaves a text that cannot be parsed as it is', () => {
    expect(renameInScript('load.(', 'load', 'fetch')).toBe('load.(')
    expect(renameInTemplate('{{ load. }}', 'load', 'fetch')).toBe('{{ load. }}')
  })
})
