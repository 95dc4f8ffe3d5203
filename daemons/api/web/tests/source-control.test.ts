import { describe, expect, it } from 'vitest'
import type { DocumentChange, SourceControlJob } from '../src/api/types'
import { canCommit, isPulled, outcomeOf, standingOf } from '../src/studio/source-control/standing'

const change = (standing: string): DocumentChange => ({ key: 'apps/orders', title: 'Orders', standing })
const job = (part: Partial<SourceControlJob>): SourceControlJob => ({ id: '1', kind: 'pull', status: 'done', progress: '', requested_at: '2026-11-30T09:00:00Z', ...part })

describe('source control', () => {
  it('commits what was changed here and pulls what was changed there', () => {
    const all = ['changed-here', 'changed-there', 'only-here', 'only-there', 'deleted-here', 'deleted-there', 'conflict'].map(change)
    expect(all.filter(canCommit).map(({ standing }) => standing)).toEqual(['changed-here', 'only-here', 'deleted-here', 'deleted-there'])
    expect(all.filter(isPulled).map(({ standing }) => standing)).toEqual(['changed-there', 'only-there'])
    expect(all.every((one) => standingOf(one).hint !== '')).toBe(true)
  })

  it('tells what came of a job', () => {
    expect(outcomeOf(job({ status: 'waiting' }))).toBe('Waits')
    expect(outcomeOf(job({ status: 'running', progress: 'fetching' }))).toBe('Fetching')
    expect(outcomeOf(job({ status: 'failed', error: 'the server refuses the key' }))).toBe('the server refuses the key')
    expect(outcomeOf(job({ result: { commit: '4f2a9c81d07be356', branch: 'main' } }))).toBe('4f2a9c81d0 on main')
    expect(outcomeOf(job({ result: { applied: [], head: 'abc' } }))).toBe('Nothing to take')
    expect(outcomeOf(job({ result: { applied: ['apps/orders'], head: 'abc' } }))).toBe('Took apps/orders')
  })
})
