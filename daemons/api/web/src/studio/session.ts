/** Who is logged in. */
import { useSuspenseQuery, useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'

const sessionQuery = { queryKey: ['session'], queryFn: () => dataOf(api.GET('/api/v1/session')), staleTime: 60_000 } as const

export function useSessionQuery() {
  return useQuery(sessionQuery)
}

/** Only below the frame, which waits for the session. */
export function useSession() {
  return useSuspenseQuery(sessionQuery).data
}
