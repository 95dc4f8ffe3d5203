/** Asks the server when a schedule would start runs, while it is edited. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../../api/client'
import type { Schedule } from '../../api/types'
import { useSettled } from '../../ui/settled'

const typingMs = 400

export type PreviewQuery = ReturnType<typeof useSchedulePreview>

export function useSchedulePreview(schedule: Schedule) {
  const settled = useSettled(schedule, typingMs)
  return useQuery({
    queryKey: ['schedule-preview', settled],
    queryFn: async () => (await dataOf(api.POST('/api/v1/schedules/preview', { body: { schedule: settled } }))).next,
    placeholderData: keepPreviousData,
    // The points in time move on by themselves.
    staleTime: 30_000,
    retry: false,
  })
}
