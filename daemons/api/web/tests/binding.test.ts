import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseExpression, parseTemplate, references } from '../src/evaluator/binding'

const expressionsOf = (text: string) => parseTemplate(text).flatMap((part) => ('source' in part ? [part.source] : []))

describe('cutting a text at its bindings', () => {
  // The same cases as the server's, which cuts the same texts by other means.
  it.each<[string, string[]]>([
    ['plain', []],
    ['{{a}}', ['a']],
    ['a {{ b.c }} d {{ e }}', ['b.c', 'e']],
    ['{{ {a: {b: 1}} }}', ['{a: {b: 1}}']],
    ['{{ {a: {b: 1}}}}', ['{a: {b: 1}}']],
    [`{{ '}}' + "}}" }}`, [`'}}' + "}}"`]],
    ["{{ `x${ {a: '}}'}.a }}}` }}", ["`x${ {a: '}}'}.a }}}`"]],
    ["{{ s.replace(/}}[/}]/g, '') }}", ["s.replace(/}}[/}]/g, '')"]],
    ['{{ a / b }} and {{ c / d }}', ['a / b', 'c / d']],
    ['{{ a /* }} */ }}', ['a /* }} */']],
    ['{{ rows.map(r => { return {x: r} }) }}', ['rows.map(r => { return {x: r} })']],
    ['{{ a // note }}', []],
  ])('%s', (text, expected) => {
    if (expected.length === 0 && text.includes('{{')) expect(() => parseTemplate(text)).toThrow()
    else expect(expressionsOf(text)).toEqual(expected)
  })

  it('says what is wrong with a broken one', () => {
    expect(() => parseTemplate('ab {{ c')).toThrow('opens at character 3 is never closed')
    expect(() => parseTemplate('{{ }}')).toThrow('empty')
    expect(() => parseTemplate('{{ a + }}')).toThrow('Unexpected token in {{ a + }}')
  })
})

describe('what an expression reads', () => {
  it.each<[string, string[]]>([
    ['search.value', ['search.value']],
    ['rows.map(r => r.total)', ['rows.map']],
    ['a ? b.c : d["e"]', ['a', 'b.c', 'd.e']],
    ['({ key: a, b })', ['a', 'b']],
    ['table.selectedRow?.id ?? 0', ['table.selectedRow']],
    ['list.rows.filter(({ id }) => id === picked.value)', ['list.rows', 'picked.value']],
    ['(() => { const x = 1; return x + y })()', ['y']],
    ['a[b]', ['a', 'b']],
  ])('%s', (source, expected) => {
    const read = references(parseExpression(source).program).map(({ name, property }) => (property === undefined ? name : `${name}.${property}`))
    expect(read.sort()).toEqual([...expected].sort())
  })
})

const samples = process.env.BULKHEAD_TEST_SAMPLES
// Samples that others wrote are no part of the repository; who has them names their folder.
if (samples) {
  it('real bindings parse, all of them', () => {
    const folder = path.join(samples ?? '', 'appsmith')
    const texts: string[] = []
    const collect = (value: unknown): void => {
      if (typeof value === 'string' && value.includes('{{')) texts.push(value)
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect)
    }
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) collect(JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
    const bindings = texts.flatMap((text) => parseTemplate(text).filter((part) => 'source' in part))
    expect(bindings.length).toBeGreaterThanOrEqual(531)
  })
}
