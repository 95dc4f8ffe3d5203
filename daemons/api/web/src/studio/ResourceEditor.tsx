/** The settings of a resource that is there, one tab for each environment. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { messageOf } from '../api/problem'
import type { Resource, ResourceConfig } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { ErrorState, SkeletonRows } from '../ui/states'
import { ask } from '../ui/ask'
import { notify } from '../ui/toasts'
import { ResourceDialog } from './ResourceDialog'
import { environmentsQuery } from './lists'

export function ResourceEditor({ resource, onClose }: { resource: Resource; onClose: () => void }) {
  const queryClient = useQueryClient()
  const all = useQuery(environmentsQuery)
  const queryKey = ['resources', resource.name, 'environments']
  const others = useQuery({ queryKey, queryFn: async () => (await dataOf(api.GET('/api/v1/resources/{name}/environments', { params: { path: { name: resource.name } } }))).environments })
  // What is built in is set up with the machine: here it has settings for other environments alone.
  const [chosen, setChosen] = useState<string>()
  const error = all.error ?? others.error
  if (error || !all.data || !others.data) {
    return (
      <Dialog title={`Edit ${resource.name}`} isWide onClose={onClose}>
        {error ? <ErrorState error={error} onRetry={() => void others.refetch()} /> : <SkeletonRows />}
      </Dialog>
    )
  }
  const offered = all.data.filter((environment) => !(environment.is_default && resource.built_in))
  const environment = offered.find((one) => one.name === chosen) ?? offered[0]
  if (!environment) {
    return (
      <Dialog title={`Edit ${resource.name}`} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
        <p>It is built in, and there is no other environment to give it settings for: an administrator adds one under Environments.</p>
      </Dialog>
    )
  }
  const stored = others.data.find((one) => one.environment === environment.name)
  const begin = environment.is_default ? resource.config : (stored?.config ?? resource.config)
  const remove = async () => {
    if (!(await ask({ title: `Remove the settings for ${environment.name}?`, text: 'Queries of this resource are refused there from then on.', confirm: 'Remove settings', isDanger: true }))) return
    try {
      await api.DELETE('/api/v1/resources/{name}/environments/{environment}', { params: { path: { name: resource.name, environment: environment.name } }, headers: { 'content-type': 'application/json' } })
    } catch (problem) {
      notify(messageOf(problem), 'error')
    }
    await queryClient.invalidateQueries({ queryKey: ['resources'] })
  }
  return (
    <ResourceDialog
      key={environment.name}
      resource={resource}
      begin={begin as ResourceConfig}
      {...(environment.is_default ? {} : { environment: { name: environment.name, hasSecret: stored?.has_secret ?? false } })}
      onClose={onClose}
      head={
        offered.length < 2 && environment.is_default ? null : (
          <>
            <div className="tabs" role="group" aria-label="Environment">
              {offered.map((one) => (
                <button key={one.name} type="button" className="tab" aria-current={one === environment ? 'true' : undefined} onClick={() => setChosen(one.name)}>
                  {one.name}
                </button>
              ))}
            </div>
            {environment.is_default ? null : stored?.config ? (
              <Button variant="ghost" size="small" icon={Trash2} onClick={() => void remove()}>
                Remove the settings for {environment.name}
              </Button>
            ) : (
              <div className="notice amber">It has no settings for {environment.name} yet, so queries there are refused. These are a copy of the usual ones: change where they lead, and enter the secret.</div>
            )}
          </>
        )
      }
    />
  )
}
