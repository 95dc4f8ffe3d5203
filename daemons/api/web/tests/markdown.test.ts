import { describe, expect, it } from 'vitest'
import { type Inline, parseMarkdown } from '../src/components/kinds/markdown/parse'

const text = (value: string): Inline => ({ kind: 'text', text: value })

describe('markdown', () => {
  it('has headings, paragraphs, code and rules', () => {
    expect(parseMarkdown('# Title\n\nOne\ntwo\n\n```\n<b>\n```\n---').map((block) => block.kind)).toEqual(['heading', 'paragraph', 'code', 'rule'])
  })

  it('keeps HTML as text', () => {
    expect(parseMarkdown('<script>alert(1)</script>')).toEqual([{ kind: 'paragraph', children: [text('<script>alert(1)</script>')] }])
  })

  it('has marks in a line, and leaves what only looks like them', () => {
    expect(parseMarkdown('a **b** `c` [d](/e) ~~f~~')[0]).toEqual({
      kind: 'paragraph',
      children: [text('a '), { kind: 'strong', children: [text('b')] }, text(' '), { kind: 'code', text: 'c' }, text(' '), { kind: 'link', href: '/e', children: [text('d')] }, text(' '), { kind: 'del', children: [text('f')] }],
    })
    for (const plain of ['snake_case_name', '2 * 3 * 4', '[no link]', '\\*no\\*', 'a ** b']) expect(parseMarkdown(plain)[0]).toEqual({ kind: 'paragraph', children: [text(plain.replaceAll('\\', ''))] })
  })

  it('nests lists', () => {
    const [list] = parseMarkdown('1. one\n   - inner\n2. two')
    expect(list).toMatchObject({ kind: 'list', isOrdered: true, start: 1, items: [[{ kind: 'paragraph' }, { kind: 'list', isOrdered: false }], [{ kind: 'paragraph' }]] })
  })

  it('has tables and quotes', () => {
    expect(parseMarkdown('| a | b |\n|---|---|\n| 1 | 2 |\n\n> said')).toMatchObject([{ kind: 'table', rows: [[[text('1')], [text('2')]]] }, { kind: 'quote' }])
  })

  it('takes little time for hostile texts', () => {
    const started = Date.now()
    for (const hostile of ['*a '.repeat(60_000), '['.repeat(100_000), '> '.repeat(50_000), '- '.repeat(50_000), `${'`'.repeat(99_999)}`, '**a'.repeat(50_000), '|'.repeat(100_000), '_a*'.repeat(50_000)]) parseMarkdown(hostile)
    expect(Date.now() - started).toBeLessThan(4000)
  })
})
