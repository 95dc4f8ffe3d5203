import { describe, expect, it } from 'vitest'
import { ownClasses } from '../src/components/style/classes'
import { mostStyle, scopedStyle } from '../src/components/style/scoped'

const css = (text: string) => {
  const made = scopedStyle(text)
  return 'css' in made ? made.css.replace(/\s+/g, ' ') : made
}
const S = '[data-app-style]'

describe('the style sheet of an app', () => {
  it('begins below the app, with classes that are its own', () => {
    expect(css('.urgent td, h2 > a:hover { color: red; font-weight: 600 }')).toBe(`${S} .own-urgent td, ${S} h2 > a:hover { color: red; font-weight: 600; }`)
    expect(css(':root { --accent-9: #123456 } :root > .a { gap: .5em }')).toBe(`${S} { --accent-9: #123456; } ${S} > .own-a { gap: .5em; }`)
    expect(css('[data-component="a.b, c"] :is(.x, .y):not(.z) {}')).toBe(`${S} [data-component="a.b, c"] :is(.own-x, .own-y):not(.own-z) { }`)
    expect(css('body, html, .viewer-bar {color:red}')).toBe(`${S} body, ${S} html, ${S} .own-viewer-bar { color: red; }`)
  })

  it('may depend on the screen, and have rules in rules', () => {
    expect(css('@media (max-width: 640px) and (prefers-color-scheme: dark) { .a { color: red; &:hover, .b { color: blue } } }')).toBe(
      `@media (max-width: 640px) and (prefers-color-scheme: dark) { ${S} .own-a { color: red; &:hover, .own-b { color: blue; } } }`,
    )
    expect(css('.a { @container (width > 40em) { color: red } }')).toBe(`${S} .own-a { @container (width > 40em) { color: red; } }`)
    expect(css('.a { content: "} .b{"; background: url(data:image/png;base64,AA==) } /* @import */')).toBe(`${S} .own-a { content: "} .b{"; background: url(data:image/png;base64,AA==); }`)
    expect(css('')).toBe('')
  })

  it.each([
    ['@import "https://evil.example/a.css";', '@import cannot be used'],
    ['@font-face { src: url(x) }', '@font-face cannot be used'],
    ['@keyframes spin { to { rotate: 1turn } }', '@keyframes cannot be used'],
    ['.a { background: url(https://evil.example/?x) }', 'nothing is fetched'],
    ['.a { background: URL( "/api/v1/session" ) }', 'nothing is fetched'],
    ['.a { background: u\\72l(https://evil.example) }', 'backslash'],
    ['.a { background: image-set("https://evil.example/a.png" 1x) }', 'image-set() cannot be used'],
    ['.a { --x: src("/a.png") }', 'src() cannot be used'],
    ['.a { background: url(/* */"/a.png") }', 'nothing is fetched'],
    ['.a { position: fixed }', 'fixes nothing'],
    ['.a { POSITION: Fixed !important }', 'fixes nothing'],
    ['.a { position: var(--p) }', 'fixes nothing'],
    ['.a { position: f/**/ixed }', 'fixes nothing'],
    ['+ .a { color: red }', 'nothing before it'],
    ['~ body { color: red }', 'nothing before it'],
    [':root + .a { color: red }', ''],
    ['& + .a { color: red }', '& is for rules in other rules'],
    ['.a { body:has(&) { color: red } }', '& begins a selector'],
    [':root { + .a { color: red } }', 'rules of their own'],
    ['.a } body { color: red }', 'selector and declarations'],
    ['} body { color: red }', 'closes nothing'],
    ['.a { color: red', '} is missing'],
    ['.a { color: (red }', ') is missing'],
    ['.a { content: "x', 'never closed'],
    ['.a { color: red; } <!-- body { color: red } -->', '< does not belong'],
    ['.a { color }', 'a property, a colon and a value'],
    [', .a { color: red }', 'A selector is missing'],
    ['.a, { color: red }', 'A selector is missing'],
    ['a{a{a{a{a{color:red}}}}}', 'deeper than 4'],
    ['@media screen; .a {}', 'followed by rules'],
    ['@media url(x) { .a {} }', 'nothing is fetched'],
    ['x'.repeat(mostStyle + 1), 'longer than 64 KB'],
  ])('is refused where it reaches out or is broken: %s', (text, message) => {
    const made = scopedStyle(text)
    if (message === '') expect(made).toEqual({ css: expect.stringContaining(`${S} :root + .own-a`) })
    else expect(made).toEqual({ problem: expect.stringContaining(message), line: 1 })
  })

  it('says in which line something is wrong', () => {
    expect(scopedStyle('.a {\n  color: red;\n}\n\n/* a\nb */\n.b { position: fixed }')).toMatchObject({ line: 7 })
    expect(scopedStyle('.a {\r\n  color: red;\r\n  top: nosuch(1)\r\n}')).toMatchObject({ line: 3 })
  })

  it('gives components classes of their own alone', () => {
    expect(ownClasses(' urgent big-one "x" 1a  ')).toBe('own-urgent own-big-one')
  })
})
