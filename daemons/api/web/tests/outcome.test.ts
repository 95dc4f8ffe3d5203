import { describe, expect, it, test } from 'vitest'
import type { BlockRun, RunDetail, RunSummary, WorkflowDocument } from '../src/api/types'
import { outermostOwner } from '../src/workflow/blocks'
import { choices, outcomeOf, whatToCheck } from '../src/workflow/outcome'
import { waitingPlace } from '../src/workflow/waiting'

const run: RunSummary = { id: 'r1', workflow: 'w', workflow_title: 'W', version: 1, environment: { name: 'production', color: 'green', is_default: true }, status: 'waiting', trigger_kind: 'manual', created_at: '', started_at: '', finished_at: null }
const document: WorkflowDocument = {
  format: 1,
  title: 'W',
  start: 'pay',
  blocks: { pay: { type: 'http', method: 'POST', url: 'https://bank.example/pay' }, tell: { type: 'stop' }, each: { type: 'loop', over: '[1]' }, attempt: { type: 'try' }, inner: { type: 'stop' } },
  edges: [
    { from: 'pay', to: 'each' },
    { from: 'each', port: 'each', to: 'attempt' },
    { from: 'attempt', port: 'try', to: 'inner' },
    { from: 'each', to: 'tell' },
  ],
}
const round: BlockRun = { block: 'pay', iteration: [], attempt: 1, times: 1, status: 'outcome-unknown', input: null, result: null, started_at: '', finished_at: '' }
const detail = (changed: Partial<RunDetail> = {}) => ({ run, document, ...changed })

describe('a block whose outcome is unknown', () => {
  it('is asked about while its run waits', () => {
    expect(outcomeOf(detail(), round)).toBe('asked')
    expect(outcomeOf(detail(), { ...round, status: 'failed' })).toBeUndefined()
  })

  it('is not asked about once somebody has chosen, or the run has ended', () => {
    expect(outcomeOf(detail(), { ...round, choice: 'skip', chosen_by: 'ada@example.org' })).toBe('chosen')
    expect(outcomeOf(detail({ run: { ...run, finished_at: '2026-11-29T00:00:00Z' } }), round)).toBe('ended')
  })

  it('is not asked about where the workflow says what becomes of it', () => {
    expect(outcomeOf(detail({ document: { ...document, 'unknown-outcome': 'fail' } }), round)).toBe('failed')
    const led = { ...document, edges: [{ from: 'pay', port: 'error', to: 'tell' }] }
    expect(outcomeOf(detail({ document: led }), round)).toBe('failed')
  })
})

test('a run that waits says for which round, if it says so and only while it waits', () => {
  const asks = (waiting: object, changed: Partial<RunSummary> = {}) => waitingPlace({ ...run, waiting_for: { kind: 'outcome-unknown', block: 'pay', ...waiting }, ...changed })
  expect(asks({ iteration: [3, 0], attempt: 2 })).toEqual({ iteration: [3, 0], attempt: 2 })
  expect(asks({ iteration: [], attempt: 1 })).toEqual({ iteration: [], attempt: 1 })
  expect(asks({})).toBeUndefined()
  expect(asks({ iteration: null, attempt: null })).toBeUndefined()
  expect(asks({ iteration: ['3'], attempt: 1 })).toBeUndefined()
  expect(asks({ iteration: [], attempt: 1 }, { status: 'running' })).toBeUndefined()
})

test('each choice says what comes of it, and each kind of block where to look', () => {
  expect(choices.map(({ choice }) => choice)).toEqual(['retry', 'skip', 'fail'])
  expect(choices.every(({ effect, past }) => effect.endsWith('.') && past.endsWith('.'))).toBe(true)
  expect(whatToCheck(document.blocks.pay)).toContain('POST https://bank.example/pay')
  expect(whatToCheck({ type: 'query', resource: 'shop', statement: 'update x', mode: 'write' })).toContain('shop')
})

test('a run begins anew at the block that has the body, not in it', () => {
  expect(outermostOwner(document, 'inner')).toBe('each')
  expect(outermostOwner(document, 'attempt')).toBe('each')
  for (const block of ['pay', 'each', 'tell']) expect(outermostOwner(document, block)).toBeUndefined()
})
