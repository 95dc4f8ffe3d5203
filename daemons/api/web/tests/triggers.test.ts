import { produce } from 'immer'
import { expect, test } from 'vitest'
import type { WorkflowDocument } from '../src/api/types'
import { addTrigger, removeTrigger, renameTrigger, setTrigger } from '../src/workflow/edits'
import { presetOf, presetSignature, signaturePresets } from '../src/workflow/triggers/signatures'
import { triggerOf } from '../src/workflow/waiting'

const empty: WorkflowDocument = { format: 1, title: 'One', start: 'a', blocks: { a: { type: 'stop' } } }

test('each trigger has a name of its own, and keeps its place under another one', () => {
  const document = produce(empty, (draft) => {
    expect(addTrigger(draft, { type: 'schedule', cron: '0 8 * * *' })).toBe('schedule')
    expect(addTrigger(draft, { type: 'webhook' })).toBe('webhook')
    expect(addTrigger(draft, { type: 'schedule', cron: '0 9 * * *' })).toBe('schedule2')
    renameTrigger(draft, 'schedule', 'nightly')
  })
  expect(Object.keys(document.triggers ?? {})).toEqual(['nightly', 'webhook', 'schedule2'])
})

test('what a trigger does not say leaves no trace', () => {
  const document = produce(empty, (draft) => {
    addTrigger(draft, { type: 'schedule', cron: '0 8 * * *', 'jitter-s': 30 })
    setTrigger(draft, 'schedule', { cron: '0 9 * * *', 'jitter-s': undefined })
  })
  expect(document.triggers).toEqual({ schedule: { type: 'schedule', cron: '0 9 * * *' } })
  expect(produce(document, (draft) => removeTrigger(draft, 'schedule'))).toEqual(empty)
})

test('a signature is known by its preset, with what the server adds or without', () => {
  for (const name of Object.keys(signaturePresets)) expect(presetOf(presetSignature(name, 'partner'))).toBe(name)
  const slack = presetSignature('slack', 'partner')
  expect(presetOf({ ...slack, encoding: 'hex', timestamp: { header: 'X-Slack-Request-Timestamp', 'within-s': 300, signed: 'v0:{timestamp}:{body}' } })).toBe('slack')
  expect(presetOf({ ...slack, prefix: 'v1=' })).toBe('other')
})

test('what started a run is told as far as it is known', () => {
  expect(triggerOf({ kind: 'schedule', name: 'nightly', body: null, scheduled_at: '2026-11-29T08:00:00Z', timezone: 'Europe/Vienna' })).toEqual({
    name: 'nightly',
    scheduledAt: '2026-11-29T08:00:00Z',
    timezone: 'Europe/Vienna',
  })
  expect(triggerOf({ kind: 'failure', body: { run: 'r1', workflow: 'w' } })).toEqual({ failedRun: 'r1' })
  // A body is anybody's: only that of a failure names a failed run.
  expect(triggerOf({ kind: 'manual', body: { run: 'r1' }, user: { name: 'Ada' }, rerun_of: 'r0' })).toEqual({ person: 'Ada', rerunOf: 'r0' })
  expect(triggerOf(null)).toEqual({})
})
