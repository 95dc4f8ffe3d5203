/** How a workflow stands in the queue and with the clock. Apart from its document, which must not be read again while it is edited. */
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../../api/client'

const followMs = 15_000
/** For a moment after a release nobody has worked out what comes next. */
const soonMs = 1500
const json = { 'content-type': 'application/json' }

const schedulesQuery = (slug: string) =>
  queryOptions({ queryKey: ['schedules', slug], queryFn: async () => (await dataOf(api.GET('/api/v1/workflows/{slug}/schedules', { params: { path: { slug } } }))).schedules })

export const workflowQueueQuery = (slug: string) => queryOptions({ queryKey: ['workflow-queue', slug], queryFn: () => dataOf(api.GET('/api/v1/workflows/{slug}/settings', { params: { path: { slug } } })) })

export function useSchedules(slug: string) {
  return useQuery({ ...schedulesQuery(slug), refetchInterval: ({ state: { data } }) => (data?.some(({ next, paused_at }) => !next && !paused_at) ? soonMs : followMs) })
}

export function useSchedulePause(slug: string, trigger: string) {
  const queryClient = useQueryClient()
  const params = { path: { slug, trigger } }
  return useMutation({
    mutationFn: (pause: boolean) =>
      pause ? api.POST('/api/v1/workflows/{slug}/triggers/{trigger}/pause', { params, headers: json }) : api.POST('/api/v1/workflows/{slug}/triggers/{trigger}/resume', { params, headers: json }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['schedules', slug] }),
  })
}

export function useWorkflowPause(slug: string) {
  const queryClient = useQueryClient()
  const params = { path: { slug } }
  return useMutation({
    mutationFn: (pause: boolean) => (pause ? api.POST('/api/v1/workflows/{slug}/pause', { params, headers: json }) : api.POST('/api/v1/workflows/{slug}/resume', { params, headers: json })),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['workflow-queue', slug] }),
  })
}
