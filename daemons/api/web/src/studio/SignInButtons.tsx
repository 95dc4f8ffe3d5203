/** A button for each provider that people log in with. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { LogIn } from 'lucide-react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { ErrorNotice } from '../ui/states'
import { t } from '../messages/messages'
import { rememberWay } from './sign-in'

export const signInWays = { queryKey: ['sign-in'], queryFn: () => dataOf(api.GET('/api/v1/sign-in')), staleTime: 60_000 } as const

interface Props {
  /** Whether the account is added to that of who is logged in. */
  adds?: boolean
  /** Where to go afterwards. */
  next: string
}

export function SignInButtons({ adds = false, next }: Props) {
  const ways = useQuery(signInWays)
  const begin = useMutation({
    meta: { showsError: true },
    mutationFn: (name: string) => dataOf(api.POST('/api/v1/sign-in/begin/{name}', { params: { path: { name } }, body: { adds } })),
    onSuccess: ({ url }) => {
      rememberWay(next)
      location.assign(url)
    },
  })
  return (
    <div className="stack">
      <ErrorNotice error={begin.error} />
      {ways.data?.providers.map(({ name, label }) => (
        <Button key={name} icon={LogIn} size={adds ? 'normal' : 'wide'} isBusy={begin.isPending && begin.variables === name} onClick={() => begin.mutate(name)}>
          {adds ? t('Add an account at {label}', { label }) : t('Log in with {label}', { label })}
        </Button>
      ))}
    </div>
  )
}
