/** What became of documents, in words, and what can be done about it. */
import type { DocumentChange, SourceControlJob } from '../../api/types'
import type { Tone } from '../../ui/Badge'

const words: Record<string, { text: string; tone: Tone; hint: string }> = {
  'changed-here': { text: 'Changed here', tone: 'accent', hint: 'A commit takes it to the repository.' },
  'changed-there': { text: 'Changed there', tone: 'amber', hint: 'A pull takes it.' },
  'only-here': { text: 'New here', tone: 'green', hint: 'A commit adds it to the repository.' },
  'only-there': { text: 'New there', tone: 'amber', hint: 'A pull adds it here.' },
  'deleted-here': { text: 'Deleted here', tone: 'accent', hint: 'A commit removes it from the repository.' },
  'deleted-there': { text: 'Deleted there', tone: 'amber', hint: 'It stays here; a commit adds it again.' },
  conflict: { text: 'Conflict', tone: 'red', hint: 'Changed on both sides: choose which one counts, then pull.' },
}

export function standingOf({ standing }: DocumentChange) {
  return words[standing] ?? { text: standing, tone: 'neutral' as const, hint: '' }
}

/** Whether a commit may take it. */
export function canCommit({ standing }: DocumentChange): boolean {
  return ['changed-here', 'only-here', 'deleted-here', 'deleted-there'].includes(standing)
}

/** Whether a pull brings it. */
export function isPulled({ standing }: DocumentChange): boolean {
  return standing === 'changed-there' || standing === 'only-there'
}

export function isOpen({ status }: SourceControlJob): boolean {
  return status === 'waiting' || status === 'running'
}

const kinds: Record<string, string> = { fetch: 'Fetch', pull: 'Pull', commit: 'Commit', branches: 'Branches' }

export function kindOf({ kind }: SourceControlJob): string {
  return kinds[kind] ?? kind
}

/** What came of a job, in a few words. */
export function outcomeOf(job: SourceControlJob): string {
  if (job.status === 'waiting') return 'Waits'
  if (job.status === 'running') return job.progress === '' ? 'Runs' : `${job.progress.charAt(0).toUpperCase()}${job.progress.slice(1)}`
  if (job.status === 'failed') return job.error ?? 'Failed'
  const result = (job.result ?? {}) as { commit?: string; branch?: string; applied?: string[]; head?: string | null }
  if (result.commit) return `${result.commit.slice(0, 10)} on ${result.branch ?? ''}`
  if (result.applied) return result.applied.length === 0 ? 'Nothing to take' : `Took ${result.applied.join(', ')}`
  return result.head ? `Up to ${result.head.slice(0, 10)}` : 'Done'
}
