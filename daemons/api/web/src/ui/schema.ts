/** The tables and columns of a resource, for pickers and completion. */
import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'

export function useSchema(resource: string) {
  return useSchemaQuery(resource).data
}

export function useSchemaQuery(resource: string) {
  return useQuery({
    queryKey: ['schema', resource],
    enabled: resource !== '',
    staleTime: 300_000,
    retry: false,
    queryFn: () => dataOf(api.GET('/api/v1/resources/{name}/schema', { params: { path: { name: resource } } })),
  })
}
