import { produce } from 'immer'
import { expect, test } from 'vitest'
import type { WorkflowDocument, WorkflowFunction } from '../src/api/types'
import { addFunction, removeFunction, renameFunction, setFunction } from '../src/workflow/edits'
import { callOf, completionsOf, trialName, trialOf } from '../src/workflow/functions/calls'
import { rewriteCalls } from '../src/workflow/rewrite'

const javascript: WorkflowFunction = { type: 'code', parameters: ['net'], language: 'javascript', source: 'return functions.rate() * net' }
const python: WorkflowFunction = { type: 'code', parameters: ['name', 'of'], language: 'python', source: 'return name' }
const query: WorkflowFunction = { type: 'query', parameters: ['id'], resource: 'tables', statement: 'select {{ id }}' }
const document: WorkflowDocument = {
  format: 1,
  title: 'One',
  start: 'a',
  blocks: { a: { type: 'code', language: 'javascript', source: 'return functions.rate() + functions?.rate() + rate + myfunctions.rate + functions.rates' } },
  functions: { gross: javascript, rate: { ...javascript, parameters: [], source: 'return 1' } },
}

test('a function has a name of its own, and its callers follow it to another one', () => {
  const next = produce(document, (draft) => {
    expect(addFunction(draft, query)).toBe('lookup')
    expect(addFunction(draft, python)).toBe('compute')
    renameFunction(draft, 'rate', 'vat', rewriteCalls({ ...document, functions: { ...document.functions, lookup: query, compute: python } }, 'rate', 'vat'))
  })
  expect(Object.keys(next.functions ?? {})).toEqual(['gross', 'vat', 'lookup', 'compute'])
  expect(next.functions?.['gross']).toEqual({ ...javascript, source: 'return functions.vat() * net' })
  expect(next.functions?.['lookup']).toEqual(query)
  expect(next.blocks['a']).toEqual({ type: 'code', language: 'javascript', source: 'return functions.vat() + functions?.vat() + rate + myfunctions.rate + functions.rates' })
})

test('what a function does not say leaves no trace', () => {
  const next = produce(document, (draft) => {
    setFunction(draft, 'gross', { parameters: [] })
    removeFunction(draft, 'rate')
  })
  expect(next.functions).toEqual({ gross: { type: 'code', language: 'javascript', source: javascript.source } })
  expect('functions' in produce(next, (draft) => removeFunction(draft, 'gross'))).toBe(false)
})

test('a call is written in the language of the function', () => {
  expect(callOf('gross', javascript)).toBe('await functions.gross({ net })')
  expect(callOf('initials', python)).toBe('functions.initials(name=…, of=…)')
  expect(callOf('lookup', query)).toBe('await functions.lookup({ id })')
  expect(trialOf('gross', javascript)).toEqual({ type: 'code', language: 'javascript', source: 'return functions.gross(inputs)\n' })
  expect(trialOf('initials', python)).toMatchObject({ language: 'python' })
  expect(trialName({ ...document, blocks: { trial: { type: 'stop' } } })).toBe('trial2')
})

test('code is offered the functions that it may call', () => {
  const all = { ...document, functions: { gross: javascript, initials: python, lookup: query } }
  expect(completionsOf(all, 'python')).toEqual(['initials', 'lookup'])
  expect(completionsOf(all, 'javascript')).toEqual(['gross', 'lookup'])
})
