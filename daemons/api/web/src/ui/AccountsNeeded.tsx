/** Asks for the accounts that an app's queries need, and lets the queries run again once they are connected. */
import { useStore } from 'zustand'
import { t } from '../messages/messages'
import { ConnectAccount } from './ConnectAccount'
import { accountsNeeded } from './accounts'

export function AccountsNeeded({ onConnected }: { onConnected: (query: string) => void }) {
  const { queries } = useStore(accountsNeeded)
  return Object.entries(queries).map(([resource, waiting]) => (
    <div key={resource} className="notice amber viewer-offline" role="status">
      <p className="grow">
        {t('This app uses an account at {resource}, and none is connected.', { resource })}
      </p>
      <ConnectAccount
        resource={resource}
        onConnected={() => {
          const { [resource]: _, ...others } = accountsNeeded.getState().queries
          accountsNeeded.setState({ queries: others })
          for (const query of waiting) onConnected(query)
        }}
      />
    </div>
  ))
}
