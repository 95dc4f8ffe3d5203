// @ts-check
/** What the api might answer about one thing: a query, a workflow, its runs. */
import { everything } from './gallery-answers.mjs'

/** @typedef {import('../src/api/types').LibraryQueryDetail} LibraryQueryDetail */
/** @typedef {import('../src/api/types').WorkflowDetail} WorkflowDetail */
/** @typedef {import('../src/api/types').RunDetail} RunDetail */
/** @typedef {import('../src/api/types').RunSummary} RunSummary */

const id = (/** @type {number} */ number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const ago = (/** @type {number} */ seconds) => new Date(Date.now() - seconds * 1000).toISOString()
const production = /** @type {const} */ ({ name: 'production', color: 'red', is_default: true })
const staging = /** @type {const} */ ({ name: 'staging', color: 'blue', is_default: false })

/** @type {LibraryQueryDetail} */
export const query = {
  id: id(40),
  slug: 'open-orders',
  role: 'admin',
  released_version: 2,
  draft_revision: 7,
  draft: {
    format: 1,
    title: 'Open orders',
    description: 'What is not paid, by customer.',
    query: { resource: 'shop', statement: 'select id, customer, total\nfrom orders\nwhere paid_at is null and city = {{ city }} and total > {{ least }}\norder by total desc', mode: 'read' },
    parameters: { city: { description: 'Where the customer lives' }, least: { description: 'Smaller ones are left out', default: 100 } },
  },
}
/** @type {LibraryQueryDetail} */
export const newQuery = { ...query, released_version: null, draft_revision: 1, draft: { format: 1, title: 'New query', query: { resource: 'shop', statement: '' } } }
export const rows = {
  columns: [{ name: 'id', type: 'int8' }, { name: 'customer', type: 'text' }, { name: 'total', type: 'numeric' }],
  rows: Array.from({ length: 30 }, (_, index) => ({ id: 4711 + index, customer: index % 3 ? 'Porto Azul, Ferragens e Companhia Lda.' : 'Lyon Fret', total: 1200.5 - index * 7 })),
  row_count: 30,
  duration_ms: 12.4,
  truncated: false,
  end: true,
}

/** @type {WorkflowDetail['draft']} */
const document = {
  format: 1,
  title: 'Approve refunds',
  start: 'load',
  blocks: {
    load: { type: 'query', resource: 'shop', statement: 'select * from refunds where id = {{ trigger.body.refund }}', mode: 'read' },
    isLarge: { type: 'branch', condition: 'load.rows[0].total > 100' },
    ask: { type: 'approval', title: 'Refund €{{ load.rows[0].total }} to {{ load.rows[0].customer }}?', groups: ['finance'] },
    write: { type: 'query', resource: 'shop', statement: 'update refunds set state = \'paid\' where id = {{ trigger.body.refund }}', mode: 'write' },
    summary: { type: 'code', language: 'python', source: "return {'customer': load['rows'][0]['customer'], 'paid': True}\n" },
  },
  edges: [
    { from: 'load', to: 'isLarge' },
    { from: 'isLarge', port: 'true', to: 'ask' },
    { from: 'isLarge', port: 'false', to: 'write' },
    { from: 'ask', port: 'approved', to: 'write' },
    { from: 'write', to: 'summary' },
  ],
  triggers: { nightly: { type: 'schedule', cron: '30 2 * * *', timezone: 'Europe/Vienna' }, hook: { type: 'webhook' } },
}
/** @type {WorkflowDetail} */
export const workflow = { id: id(21), slug: 'approve-refunds', title: 'Approve refunds', role: 'admin', released_version: 3, draft_revision: 9, environments: [production, staging], draft: document }
/** @type {WorkflowDetail} */
export const newWorkflow = { ...workflow, released_version: null, draft_revision: 1, draft: { format: 1, title: 'New workflow', start: 'transform', blocks: { transform: { type: 'code', language: 'javascript', source: 'return {}\n' } } } }
export const operation = {
  schedules: { schedules: [{ trigger: 'nightly', schedule: { cron: '30 2 * * *', timezone: 'Europe/Vienna' }, next: ago(-9000), last_run: id(50), paused_at: null }] },
  settings: { settings: { keep_days: 90, max_running: 4, priority: 'normal' }, paused_at: null },
}

const summary = /** @type {RunSummary} */ ({ ...everything['/api/v1/runs']?.runs[2], version: 3 })
const usage = { wall_ms: 41, cpu_ms: 12.5, peak_memory_bytes: 31_000_000 }
/** @param {string} name @param {Partial<RunDetail['blocks'][number]>} [parts] @returns {RunDetail['blocks'][number]} */
const block = (name, parts) => ({ block: name, iteration: [], attempt: 1, times: 1, status: 'succeeded', input: null, result: null, started_at: ago(90), finished_at: ago(89), usage, ...parts })
const load = block('load', { input: { statement: 'select * from refunds where id = $1', values: [4711] }, result: { rows: [{ id: 4711, customer: 'Porto Azul', total: 120 }], row_count: 1 } })
const isLarge = block('isLarge', { port: 'true', result: true })
const trigger = { kind: 'manual', user: { name: 'Ada Novak' }, body: { refund: 4711 } }

/** @type {Record<'succeeded' | 'failed' | 'waiting' | 'queued', RunDetail>} */
export const runs = {
  succeeded: { run: { ...summary, status: 'succeeded', waiting_for: null, finished_at: ago(20), environment: production }, trigger, document, blocks: [load, isLarge, block('ask', { port: 'approved', result: { approved: true, by: 'Ben Okafor', note: 'Seen' } }), block('write', { result: { affected: 1 } }), block('summary', { result: { customer: 'Porto Azul', paid: true } })], response: { status: 200, body: { paid: true } } },
  failed: {
    run: { ...summary, status: 'failed', finished_at: ago(20), error: { block: 'write', kind: 'query-failed', message: 'duplicate key value violates unique constraint "refunds_pkey"' } },
    trigger: { kind: 'webhook', name: 'hook', body: { refund: 4711 } },
    document,
    blocks: [load, isLarge, block('write', { status: 'failed', attempt: 2, times: 2, error: { kind: 'query-failed', message: 'duplicate key value violates unique constraint "refunds_pkey". Key (id)=(4711) already exists.' } })],
  },
  waiting: { run: { ...summary, status: 'waiting', waiting_for: { kind: 'approval', block: 'ask', until_ms: Date.now() + 9e6, iteration: [], attempt: 1 } }, trigger, document, blocks: [load, isLarge, block('ask', { status: 'running', finished_at: null })] },
  queued: { run: { ...summary, status: 'queued', started_at: null, environment: production }, trigger, document, blocks: [], queued: { reason: 'limit', ahead: 3 } },
}
export const logs = {
  lines: [
    { block: 'load', seq: 0, level: 'info', time_ms: Date.now() - 90_000, text: 'one refund' },
    { block: 'summary', seq: 0, level: 'warn', time_ms: Date.now() - 21_000, text: 'the customer has no address; the letter goes to the depot that is nearest' },
    { block: 'summary', seq: 1, level: 'error', time_ms: Date.now() - 20_500, text: 'a long line: '.concat('word '.repeat(60)) },
  ],
}
export const rounds = { rounds: [block('write', { status: 'failed', error: { kind: 'query-failed', message: 'the connection was lost' } }), runs.failed.blocks[2]], next: null }
