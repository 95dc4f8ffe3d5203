/** Which apps change by pulls alone. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../api/client'
import { messageOf } from '../../api/problem'
import { CheckField } from '../../ui/Field'
import { notify } from '../../ui/toasts'
import { appsQuery } from '../lists'

export function ProtectedApps() {
  const queryClient = useQueryClient()
  const apps = useQuery(appsQuery)
  const protect = useMutation({
    mutationFn: ({ slug, is_protected }: { slug: string; is_protected: boolean }) => api.PUT('/api/v1/apps/{slug}/protection', { params: { path: { slug } }, body: { is_protected } }),
    onError: (error) => notify(messageOf(error), 'error'),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['apps'] }),
  })
  if (!apps.data || apps.data.length === 0) return null
  return (
    <section aria-labelledby="source-control-protected">
      <h2 id="source-control-protected">Protected apps</h2>
      <p className="muted">The draft of a protected app changes by pulls alone: the builder shows it and saves nothing. It is released as ever.</p>
      {apps.data.map(({ slug, title, is_protected }) => (
        <CheckField key={slug} label={title} checked={is_protected} disabled={protect.isPending} onChange={({ target }) => protect.mutate({ slug, is_protected: target.checked })} />
      ))}
    </section>
  )
}
