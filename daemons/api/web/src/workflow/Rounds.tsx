/** Every round and attempt of one block of a run, a page at a time. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'
import type { BlockRun } from '../api/types'
import { StatusBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { duration } from '../ui/format'
import { ErrorState, SkeletonRows } from '../ui/states'
import type { RoundPlace } from './waiting'

interface Props {
  rounds: RoundsQuery
  block: BlockRun
  /** Of a loop: how many indices the loop as a whole has; its rounds have one more. */
  wholeDepth: number | undefined
  selected: string
  onSelect: (round: BlockRun) => void
}

export type RoundsQuery = ReturnType<typeof useRounds>

/** Names a round among those of its block. */
export function roundKey({ iteration, attempt }: RoundPlace): string {
  return `${iteration.join('.')}:${attempt}`
}

/** Rounds count from 1 here; those of an outer loop come first. */
function roundText({ iteration, attempt }: BlockRun, wholeDepth: number | undefined): string {
  const round = iteration.length > 0 ? `Round ${iteration.map((index) => index + 1).join('.')}` : ''
  if (iteration.length === wholeDepth) return round ? `${round} · the whole loop` : 'The whole loop'
  const tried = attempt > 1 || !round ? `${round ? 'attempt' : 'Attempt'} ${attempt}` : ''
  return [round, tried].filter(Boolean).join(' · ')
}

/** How often a block ran. Of a loop that is in no other one the loop as a whole, which is told as if it were a round, does not count. */
export function roundCount({ times }: BlockRun, wholeDepth: number | undefined): number {
  return wholeDepth === 0 ? times - 1 : times
}

export function wallMs(block: BlockRun): number | undefined {
  return block.finished_at ? new Date(block.finished_at).getTime() - new Date(block.started_at).getTime() : undefined
}

export function durationText(block: BlockRun): string {
  const ms = wallMs(block)
  return ms === undefined ? '…' : duration(ms)
}

export function useRounds(run: string, block: BlockRun) {
  return useInfiniteQuery({
    // Under the run's key, so that word of a change refreshes it too.
    queryKey: ['run', run, 'rounds', block.block],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => dataOf(api.GET('/api/v1/runs/{id}/blocks/{block}/rounds', { params: { path: { id: run, block: block.block }, query: pageParam ? { after: pageParam } : {} } })),
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: block.times > 1,
  })
}

export function Rounds({ rounds, block, wholeDepth, selected, onSelect }: Props) {
  return (
    <section className="panel-section">
      <header>
        <h3>Rounds and attempts</h3>
        <span className="muted numeric">{roundCount(block, wholeDepth).toLocaleString('en')} in all</span>
      </header>
      {rounds.isPending ? <SkeletonRows count={3} /> : null}
      {rounds.isError ? <ErrorState error={rounds.error} onRetry={() => void rounds.refetch()} /> : null}
      {rounds.data ? (
        <ul className="block-list rounds" aria-label={`Rounds of ${block.block}`}>
          {rounds.data.pages
            .flatMap((page) => page.rounds)
            .map((round) => (
              <li key={roundKey(round)}>
                <button type="button" aria-pressed={roundKey(round) === selected} onClick={() => onSelect(round)}>
                  <span className="grow truncate">{roundText(round, wholeDepth)}</span>
                  <StatusBadge status={round.status} />
                  <span className="numeric muted">{durationText(round)}</span>
                </button>
              </li>
            ))}
        </ul>
      ) : null}
      {rounds.hasNextPage ? (
        <Button size="small" isBusy={rounds.isFetchingNextPage} onClick={() => void rounds.fetchNextPage()}>
          Load more rounds
        </Button>
      ) : null}
    </section>
  )
}
