/** The tokens of all people. For administrators. */
import { useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { api, dataOf } from '../api/client'
import { EmptyState, Loaded } from '../ui/states'
import { PageHead } from './PageHead'
import { PeopleTabs } from './PeopleTabs'
import { TokenTable } from './account/TokenTable'
import { useRemoval } from './use-removal'

export function AllTokens() {
  const tokens = useQuery({ queryKey: ['tokens', 'all'], queryFn: () => dataOf(api.GET('/api/v1/tokens')), staleTime: 0 })
  const confirmed = useRemoval('tokens')
  return (
    <>
      <PageHead title="Tokens" />
      <PeopleTabs />
      <div className="page-body">
        <Loaded query={tokens}>
          {({ tokens: all }) =>
            all.length === 0 ? (
              <EmptyState icon={KeyRound} title="Nobody has a token">
                People make tokens on their account page, for programs that act as them.
              </EmptyState>
            ) : (
              <TokenTable
                tokens={all}
                showsOwner
                onRevoke={({ id, name, email }) =>
                  void confirmed({ title: `Revoke ${name} of ${email}?`, text: 'Programs that use it are refused at once.', confirm: 'Revoke token' }, () =>
                    api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } }, headers: { 'content-type': 'application/json' } }),
                  )
                }
              />
            )
          }
        </Loaded>
      </div>
    </>
  )
}
