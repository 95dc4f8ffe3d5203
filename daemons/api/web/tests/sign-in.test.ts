import { expect, it } from 'vitest'
import { safeNext } from '../src/studio/sign-in'

it('leads to pages of this server alone after the log-in', () => {
  Object.assign(globalThis, { location: { origin: 'https://tools.example.org' } })
  expect(['/apps?q=a#b', '/runs/7'].map(safeNext)).toEqual(['/apps?q=a#b', '/runs/7'])
  const elsewhere = ['//evil.example', '/\\evil.example', '/\t/evil.example', '/\n/evil.example', 'https://evil.example', 'javascript:alert(1)', 'apps', '', null]
  expect(elsewhere.map(safeNext)).toEqual(elsewhere.map(() => '/'))
})
