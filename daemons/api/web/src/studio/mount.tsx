/** The entry of the studio. */
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { ApiProblem, messageOf } from '../api/problem'
import { Questions } from '../ui/ask'
import { Toasts, notify } from '../ui/toasts'
import { router } from './router'

function leaveWithoutSession(error: unknown): boolean {
  const isOut = error instanceof ApiProblem && error.status === 401 && error.code === 'no-session'
  if (isOut && location.pathname !== '/login') location.assign(`/login?next=${encodeURIComponent(location.pathname)}`)
  return isOut
}

const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: leaveWithoutSession }),
  // A form shows its own error (`meta.showsError`); what has no place of its own is told here.
  mutationCache: new MutationCache({
    onError: (error, _variables, _context, mutation) => {
      if (!leaveWithoutSession(error) && mutation.meta?.showsError !== true) notify(messageOf(error), 'error')
    },
  }),
  defaultOptions: {
    queries: { staleTime: 5000, retry: (failures, error) => !(error instanceof ApiProblem && error.status < 500) && failures < 2 },
  },
})

export function mountStudio(root: HTMLElement): void {
  createRoot(root).render(
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Questions />
      <Toasts />
    </QueryClientProvider>,
  )
}
