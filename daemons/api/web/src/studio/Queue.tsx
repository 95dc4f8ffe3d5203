/** How the queue of all workflows stands, and pausing it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Pause, Play } from 'lucide-react'
import type { ReactNode } from 'react'
import { api } from '../api/client'
import { Button } from '../ui/Button'
import { ask } from '../ui/ask'
import { RelativeTime } from '../ui/format'
import { notify } from '../ui/toasts'
import { queueQuery } from './lists'
import { useSession } from './session'

const followMs = 5000
const json = { 'content-type': 'application/json' }

/** Numbers that lead to the runs behind them. */
export function QueueSummary() {
  const queue = useQuery({ ...queueQuery, refetchInterval: followMs })
  // The list below is the page: without the numbers it is still of use.
  if (queue.isError) return null
  const { queued, held, running, waiting, oldest } = queue.data ?? {}
  const number = (value: number | undefined) => value?.toLocaleString('en') ?? '…'
  const facts: { term: string; title: string; value: ReactNode }[] = [
    {
      term: 'Queued',
      title: 'Workers take them up next',
      value: (
        <Link to="/runs" search={{ status: 'queued' }}>
          {number(queued)}
        </Link>
      ),
    },
    { term: 'Held', title: 'Their workflow is paused or at its limit', value: number(held) },
    {
      term: 'Running',
      title: 'Under way',
      value: (
        <Link to="/runs" search={{ status: 'running' }}>
          {number(running)}
        </Link>
      ),
    },
    {
      term: 'Waiting',
      title: 'For a time, a person or another run',
      value: (
        <Link to="/runs" search={{ status: 'waiting' }}>
          {number(waiting)}
        </Link>
      ),
    },
    { term: 'Oldest in the queue', title: 'When it was accepted', value: oldest ? <RelativeTime at={oldest} /> : queue.data ? 'None' : '…' },
  ]
  return (
    <dl className="queue-facts" aria-label="The queue">
      {facts.map(({ term, title, value }) => (
        <div key={term} title={title}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function useQueuePause() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (pause: boolean) => (pause ? api.POST('/api/v1/queue/pause', { headers: json }) : api.POST('/api/v1/queue/resume', { headers: json })),
    onSuccess: (_, pause) => notify(pause ? 'The queue is paused: no run starts.' : 'The queue goes on.'),
    onSettled: () => queryClient.invalidateQueries({ queryKey: queueQuery.queryKey }),
  })
}

/** For administrators. */
export function QueuePause() {
  const session = useSession()
  const queue = useQuery(queueQuery)
  const change = useQueuePause()
  if (!session.user.is_admin || !queue.data || queue.data.paused_at) return null
  const pause = async () => {
    const text = 'No run of any workflow starts until the queue is resumed: webhooks and schedules are accepted, and their runs wait. Runs that are under way go on.'
    if (await ask({ title: 'Pause the queue?', text, confirm: 'Pause queue' })) change.mutate(true)
  }
  return (
    <Button icon={Pause} isBusy={change.isPending} onClick={() => void pause()}>
      Pause queue
    </Button>
  )
}

/** For everybody, for as long as nothing starts. */
export function QueueBanner() {
  const session = useSession()
  const queue = useQuery({ ...queueQuery, refetchInterval: 30_000 })
  const change = useQueuePause()
  if (!queue.data?.paused_at) return null
  const { paused_at: at, paused_by: by } = queue.data
  return (
    <div className="notice amber banner" role="status">
      <Pause className="icon" strokeWidth={1.5} aria-hidden />
      <p className="grow">
        <strong>The queue is paused</strong>
        {by ? `, by ${by}` : ''}, since <RelativeTime at={at} />. Runs are accepted and wait; none starts. {session.user.is_admin ? '' : 'An administrator can resume it.'}
      </p>
      {session.user.is_admin ? (
        <Button size="small" icon={Play} isBusy={change.isPending} onClick={() => change.mutate(false)}>
          Resume queue
        </Button>
      ) : null}
    </div>
  )
}
