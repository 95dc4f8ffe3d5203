import { describe, expect, it } from 'vitest'
import type { Approval, FormField } from '../src/api/types'
import { approvalFiltersOf, askers, narrowed } from '../src/studio/approval-filters'
import { answersOf, filledAtStart } from '../src/studio/decision-form'
import { ofKind } from '../src/workflow/editors/FormEditor'

const fields: FormField[] = [
  { name: 'amount', type: 'number', required: true },
  { name: 'reason', type: 'choice', options: ['late', 'damaged'], default: 'late' },
  { name: 'urgent', type: 'boolean', default: true },
  { name: 'note', type: 'text' },
]

describe('the form of a question', () => {
  it('begins with what its fields say', () => {
    expect(filledAtStart(fields)).toEqual({ amount: '', reason: 'late', urgent: true, note: '' })
  })

  it('answers each field, and says of an empty one that it is empty', () => {
    expect(answersOf(fields, { amount: '12.5', reason: '', urgent: false, note: ' ' })).toEqual({ amount: 12.5, reason: null, urgent: false, note: null })
    // The server tells what is no number, at its field.
    expect(answersOf(fields, { amount: 'much' }).amount).toBe('much')
  })

  it('loses with its type what only that type has', () => {
    const choice = fields[1] as FormField
    expect(ofKind(choice, 'text')).toEqual({ name: 'reason', type: 'text', options: [], default: null })
    expect(ofKind(fields[3] as FormField, 'choice').options).toEqual(['Yes', 'No'])
  })
})

describe('the list of questions', () => {
  const now = Date.parse('2026-05-01T12:00:00Z')
  const question = (next: Partial<Approval>): Approval => ({
    id: '1',
    run: 'r',
    workflow: 'refunds',
    workflow_title: 'Refunds',
    block: 'ask',
    title: 'Refund 12?',
    description: '',
    form: [],
    escalate_to: [],
    created_at: '2026-05-01T10:00:00Z',
    ...next,
  })
  const all = [question({ deadline: '2026-05-02T11:00:00Z' }), question({ workflow: 'letters', workflow_title: 'Letters', title: 'Send?', escalated_at: '2026-05-01T11:00:00Z' })]

  it('is narrowed by workflow, text, deadline and escalation', () => {
    expect(narrowed(all, { workflow: 'letters' }, now)).toEqual([all[1]])
    expect(narrowed(all, { text: 'REFUND' }, now)).toEqual([all[0]])
    expect(narrowed(all, { only: 'due' }, now)).toEqual([all[0]])
    expect(narrowed(all, { only: 'escalated' }, now)).toEqual([all[1]])
    expect(narrowed(all, {}, now)).toEqual(all)
  })

  it('names who asks, and takes from an address what it understands', () => {
    expect(askers(all)).toEqual([
      ['letters', 'Letters'],
      ['refunds', 'Refunds'],
    ])
    expect(approvalFiltersOf({ workflow: 'a', text: '', only: 'other', more: 1 })).toEqual({ workflow: 'a' })
  })
})
