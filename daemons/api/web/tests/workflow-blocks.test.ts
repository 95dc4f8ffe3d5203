import { produce } from 'immer'
import { describe, expect, it } from 'vitest'
import type { Block, WorkflowDocument } from '../src/api/types'
import { kinds, loopDepth, scopesOf, upstreamOf, waysOf } from '../src/workflow/blocks'
import { addBlock, connect, removeBlock, removePort, renameBlock, renamePort, setFields } from '../src/workflow/edits'
import { rewriteReferences } from '../src/workflow/rewrite'
import { awaitedEvent, waitingBlock, waitingText } from '../src/workflow/waiting'

const code: Block = { type: 'code', language: 'javascript', source: 'return load' }
const loop: Block = { type: 'loop', over: 'load.rows' }

/** The document that the model's own tests use: a loop with a try in it, and what follows. */
const nested: WorkflowDocument = {
  format: 1,
  title: 'Nested',
  start: 'load',
  'on-error': 'tell',
  blocks: { load: code, each: loop, attempt: { type: 'try' }, risky: code, rescue: code, inner: code, after: code, tell: code },
  edges: [
    { from: 'load', to: 'each' },
    { from: 'each', port: 'each', to: 'attempt' },
    { from: 'attempt', port: 'try', to: 'risky' },
    { from: 'attempt', port: 'catch', to: 'rescue' },
    { from: 'attempt', to: 'inner' },
    { from: 'each', to: 'after' },
  ],
}

const one = (name: string, block: Block): WorkflowDocument => ({ format: 1, title: 'One', start: name, blocks: { [name]: block } })

describe('the ways out of a block', () => {
  it('are the plain one and error, unless its kind says otherwise', () => {
    expect(waysOf(code)).toEqual([undefined, 'error'])
    expect(waysOf({ type: 'branch', condition: 'true' })).toEqual(['true', 'false', 'error'])
    expect(waysOf({ type: 'approval', title: 'Sure?' })).toEqual(['approved', 'rejected', 'error'])
    expect(waysOf({ type: 'switch', cases: [{ port: 'big', when: 'true' }] })).toEqual(['big', 'else', 'error'])
    expect(waysOf({ type: 'stop' })).toEqual([])
  })

  it('lead into bodies besides', () => {
    expect(scopesOf(loop)).toEqual(['each'])
    expect(scopesOf({ type: 'parallel', branches: ['a', 'b'] })).toEqual(['a', 'b'])
    expect(scopesOf({ type: 'try' })).toEqual(['try', 'catch'])
    expect(scopesOf(code)).toEqual([])
  })
})

describe('what a block sees', () => {
  it.each([
    ['risky', ['load']],
    ['rescue', ['load', 'risky']],
    ['inner', ['attempt', 'load']],
    ['after', ['each', 'load']],
    ['tell', ['after', 'each', 'load']],
  ])('%s', (block, expected) => {
    expect([...upstreamOf(nested, block)].sort()).toEqual(expected)
  })
})

describe('how many loops a block is in', () => {
  it.each([
    ['load', 0],
    ['each', 0],
    ['rescue', 1],
    ['inner', 1],
    ['after', 0],
  ])('%s: %i', (block, expected) => {
    expect(loopDepth(nested, block)).toBe(expected)
  })
})

describe('changing fields of a block', () => {
  it('leaves no trace of what says nothing', () => {
    const full: Block = { type: 'http', method: 'POST', url: 'https://x', headers: { accept: 'text/plain' }, retry: { count: 1 } }
    expect(produce(one('call', full), (draft) => setFields(draft, 'call', { headers: {}, retry: null })).blocks.call).toEqual({ type: 'http', method: 'POST', url: 'https://x' })
    expect(produce(one('each', { ...loop, until: 'true' } as Block), (draft) => setFields(draft, 'each', { until: null })).blocks.each).toEqual(loop)
  })

  it('keeps what must be there although it is empty', () => {
    expect(produce(one('call', code), (draft) => setFields(draft, 'call', { source: '' })).blocks.call).toEqual({ ...code, source: '' })
  })
})

describe('adding a block', () => {
  it('fills the body of a new loop first, then goes on after the loop', () => {
    const filled = produce(one('each', loop), (draft) => addBlock(draft, 'inner', code, 'each'))
    expect(filled.edges).toEqual([{ from: 'each', to: 'inner', port: 'each' }])
    const followed = produce(filled, (draft) => addBlock(draft, 'after', code, 'each'))
    expect(followed.edges?.[1]).toEqual({ from: 'each', to: 'after' })
  })

  it('fills each branch of a parallel block', () => {
    const document = produce(one('both', { type: 'parallel', branches: ['a', 'b'] }), (draft) => {
      addBlock(draft, 'first', code, 'both')
      addBlock(draft, 'second', code, 'both')
    })
    expect(document.edges?.map((edge) => edge.port)).toEqual(['a', 'b'])
  })

  it('puts it between a block and the one that followed', () => {
    const document = produce(one('load', code), (draft) => {
      addBlock(draft, 'last', code, 'load')
      addBlock(draft, 'between', { type: 'branch', condition: 'true' }, 'load')
    })
    expect(document.edges).toEqual([
      { from: 'load', to: 'between' },
      { from: 'between', to: 'last', port: 'true' },
    ])
  })

  it('leads nothing out of a block that ends the run', () => {
    expect(produce(one('end', { type: 'stop' }), (draft) => addBlock(draft, 'more', code, 'end')).edges ?? []).toEqual([])
  })
})

describe('removing a block', () => {
  it('leaves the bodies of it unconnected', () => {
    const document = produce(nested, (draft) => removeBlock(draft, 'each'))
    expect(document.edges).toContainEqual({ from: 'load', to: 'after' })
    expect(document.edges?.some((edge) => edge.to === 'attempt')).toBe(false)
  })
})

describe('ports with names of their own', () => {
  const choose: Block = { type: 'switch', cases: [{ port: 'big', when: 'true' }, { port: 'small', when: 'true' }] }
  const document = produce(one('choose', choose), (draft) => {
    draft.blocks.next = code
    draft.blocks.other = code
    connect(draft, 'choose', 'next', 'big')
    connect(draft, 'choose', 'other', 'small')
  })

  it('take their edge along when they are renamed', () => {
    const renamed = produce(document, (draft) => renamePort(draft, 'choose', 0, 'huge'))
    expect(renamed.edges?.[0]).toEqual({ from: 'choose', to: 'next', port: 'huge' })
  })

  it('keep the edges apart while two have the same name', () => {
    const back = produce(document, (draft) => {
      renamePort(draft, 'choose', 1, 'big')
      renamePort(draft, 'choose', 1, 'bigger')
    })
    expect(back.edges?.find((edge) => edge.port === 'big')?.to).toBe('next')
  })

  it('take their edge with them when they are removed', () => {
    const removed = produce(document, (draft) => removePort(draft, 'choose', 0))
    expect(removed.edges).toEqual([{ from: 'choose', to: 'other', port: 'small' }])
  })
})

describe('renaming a block', () => {
  const rewritten = (block: Block) => rewriteReferences(one('used', block), 'load', 'fetch').used

  it.each<[Block, Block]>([
    [
      { type: 'http', url: 'https://x/{{ load.id }}', headers: { load: '{{ load.key }}' }, body: 'load' },
      { type: 'http', url: 'https://x/{{ fetch.id }}', headers: { load: '{{ fetch.key }}' }, body: 'fetch' },
    ],
    [
      { type: 'switch', cases: [{ port: 'load', when: 'load.ok' }] },
      { type: 'switch', cases: [{ port: 'load', when: 'fetch.ok' }] },
    ],
    [
      { type: 'loop', over: 'load.rows', until: 'load.done' },
      { type: 'loop', over: 'fetch.rows', until: 'fetch.done' },
    ],
    [
      { type: 'filter', over: 'load', where: 'item.load > load.least' },
      { type: 'filter', over: 'fetch', where: 'item.load > fetch.least' },
    ],
    [
      { type: 'set', values: { load: 'load + vars.load' } },
      { type: 'set', values: { load: 'fetch + vars.load' } },
    ],
    [
      { type: 'wait', for: { until: 'load.due' } },
      { type: 'wait', for: { until: 'fetch.due' } },
    ],
    [
      { type: 'wait', for: { event: { name: 'load', key: 'load.id', 'timeout-s': 5 } } },
      { type: 'wait', for: { event: { name: 'load', key: 'fetch.id', 'timeout-s': 5 } } },
    ],
    [
      { type: 'approval', title: 'load {{ load.id }}?' },
      { type: 'approval', title: 'load {{ fetch.id }}?' },
    ],
    [
      { type: 'workflow', workflow: 'load', input: 'load' },
      { type: 'workflow', workflow: 'load', input: 'fetch' },
    ],
    [
      { type: 'stop', message: '{{ load.why }}' },
      { type: 'stop', message: '{{ fetch.why }}' },
    ],
  ])('rewrites %j', (before, after) => {
    expect(rewritten(before)).toEqual(after)
  })

  it('changes nothing of a block that does not mention it', () => {
    const document: WorkflowDocument = { ...nested, blocks: Object.fromEntries(Object.entries(kinds).map(([kind, { make }]) => [kind, make('pg', nested)])) }
    expect(rewriteReferences(document, 'nosuch', 'other')).toEqual(document.blocks)
  })

  it('follows it where a failing run goes', () => {
    expect(produce(nested, (draft) => renameBlock(draft, 'tell', 'report', {}))['on-error']).toBe('report')
  })
})

describe('what a run waits for', () => {
  it('is an event with a name and a key, or nothing that is known here', () => {
    expect(awaitedEvent({ kind: 'event', event: { name: 'paid', key: '' } })).toEqual({ name: 'paid', key: '' })
    for (const odd of [null, 'x', {}, { event: 'paid' }, { event: { name: 1, key: '' } }]) expect(awaitedEvent(odd)).toBeUndefined()
  })

  it('is said in a sentence', () => {
    expect(waitingText({ kind: 'approval', block: 'ask' })).toBe('Waits for an approval at ask')
    expect(waitingText({ kind: 'workflow', block: 'child', until_ms: null })).toBe('Waits for the run of child')
    expect(waitingText({ kind: 'wait', block: 'pause', until_ms: Date.now() })).toMatch(/^Waits until \d\d:\d\d at pause$/)
    expect(waitingText({ kind: 'event', block: 'payment', event: { name: 'paid', key: '17' } })).toBe('Waits for the event paid with the key 17 at payment')
    expect(waitingText({ kind: 'event', block: 'payment', event: { name: 'paid', key: '' }, until_ms: Date.now() })).toMatch(/^Waits for the event paid at payment until \d\d:\d\d$/)
    expect(waitingText({ kind: 'approval', block: 'ask', escalates_ms: Date.now() + 1000 })).toMatch(/^Waits for an approval at ask; from .* on others may decide too$/)
    expect(waitingText({ kind: 'approval', block: 'ask', escalates_ms: Date.now() - 1000 })).toMatch(/; others may decide too since /)
    expect(waitingText({ kind: 'outcome-unknown', block: 'pay' })).toBe('Waits until somebody has chosen what becomes of pay')
    expect(waitingText({ kind: 'paused' })).toBe('Paused before its next step')
    expect(waitingText(null)).toBeUndefined()
  })

  it('names its block while it waits', () => {
    const run = { id: '1', workflow: 'w', workflow_title: 'W', version: 1, environment: { name: 'production', color: 'green' as const, is_default: true }, trigger_kind: 'manual', created_at: '', waiting_for: { kind: 'approval', block: 'ask' } }
    expect(waitingBlock({ ...run, status: 'waiting' })).toBe('ask')
    expect(waitingBlock({ ...run, status: 'succeeded' })).toBeUndefined()
  })
})
