/** Blocks of which nobody knows whether they took effect: whether somebody is asked, what to look at, what can be chosen. */
import type { Block, BlockRun, Choice, RunDetail } from '../api/types'
import { nextOf } from './blocks'

export const choices: readonly { choice: Choice; text: string; effect: string; past: string }[] = [
  { choice: 'retry', text: 'Retry', effect: 'It did not take effect: the block is run again, as a further attempt. If it did after all, it happens twice.', past: 'The block was run again.' },
  { choice: 'skip', text: 'Skip', effect: 'It took effect: the run goes on without running it again. Its result is null for the blocks after it.', past: 'The run went on; the result of the block is null.' },
  { choice: 'fail', text: 'Fail', effect: 'The block has failed, and the run with it, unless a try around the block catches that.', past: 'The block has failed.' },
]

export type Outcome = 'asked' | 'chosen' | 'failed' | 'ended'

/**
 * Where a round stands whose outcome is unknown; nothing for any other. The interpreter of runs says the same: it asks, unless the
 * workflow says `fail` or the block has a way out for errors. `ended` is a run that ended before anybody chose.
 */
export function outcomeOf({ run, document }: Pick<RunDetail, 'run' | 'document'>, round: BlockRun): Outcome | undefined {
  if (round.status !== 'outcome-unknown') return undefined
  if (round.choice) return 'chosen'
  if (document['unknown-outcome'] === 'fail' || nextOf(document, round.block, 'error') !== undefined) return 'failed'
  return run.finished_at ? 'ended' : 'asked'
}

/** Where to look whether a block took effect. */
export function whatToCheck(block: Block | undefined): string {
  switch (block?.type) {
    case 'query':
      return `Look into ${block.resource} whether the statement has changed what it should. Its parameters are in the input below.`
    case 'http':
      return `Look at the other side whether the request arrived: ${block.method ?? 'GET'} ${block.url}. What was sent is in the input below.`
    case 'code':
      return 'Look whether what the code writes and requests has been done. Its log below says how far it came.'
    default:
      return 'Look whether what the block does has been done. What it was given is in the input below.'
  }
}
