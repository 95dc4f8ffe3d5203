/** Finds the round of a block that its run asks about: nobody knows whether it took effect. */
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api, dataOf } from '../api/client'
import type { BlockRun, RunDetail } from '../api/types'
import { type RoundsQuery, roundKey } from './Rounds'
import { outcomeOf } from './outcome'
import { type RoundPlace, waitingBlock, waitingKind, waitingPlace } from './waiting'

/**
 * The round, as soon as it is known which it is. Of a parallel loop it need not be among the last. A run that says it is asked for
 * that round alone; until it is here, `loading` is how that stands, and the round has nothing but its place. Of any other run the
 * rounds are read on until it is found.
 */
export function useAskedRound(detail: RunDetail, block: BlockRun, rounds: RoundsQuery) {
  const { run } = detail
  const waits = waitingKind(run) === 'outcome-unknown' && waitingBlock(run) === block.block
  const place = waits ? waitingPlace(run) : undefined
  const key = place && roundKey(place)
  const known = [block, ...(rounds.data?.pages.flatMap((page) => page.rounds) ?? [])]
  const found = key === undefined ? undefined : known.find((round) => roundKey(round) === key)
  const loading = useQuery({
    queryKey: ['run', run.id, 'rounds', block.block, key],
    queryFn: () => roundAt(run.id, block.block, place as RoundPlace),
    enabled: place !== undefined && found === undefined,
  })
  const searched = known.find((round) => outcomeOf(detail, round) === 'asked')
  const isSearching = waits && !place && !searched
  useEffect(() => {
    if (isSearching && rounds.hasNextPage && !rounds.isFetching) void rounds.fetchNextPage()
  }, [isSearching, rounds])
  if (!place) return { round: searched }
  if (found) return { round: found }
  if (loading.data) return { round: loading.data }
  return { round: { ...block, ...place, status: 'outcome-unknown' as const, choice: null, chosen_by: null }, loading }
}

/** The one round: the first that comes after the attempt before it. */
async function roundAt(run: string, block: string, { iteration, attempt }: RoundPlace): Promise<BlockRun | null> {
  const after = roundKey({ iteration, attempt: attempt - 1 })
  const page = await dataOf(api.GET('/api/v1/runs/{id}/blocks/{block}/rounds', { params: { path: { id: run, block }, query: { after, limit: 1 } } }))
  return page.rounds[0] ?? null
}
