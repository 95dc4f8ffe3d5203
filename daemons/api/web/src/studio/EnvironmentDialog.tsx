/** Adds an environment, or changes its name, its colour and who may use it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { faultAt } from '../api/problem'
import type { Environment, EnvironmentAccess, EnvironmentColor } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { CheckField, SelectField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { groupsQuery } from './lists'

export const accessTexts: Record<EnvironmentAccess, string> = {
  everyone: 'Whoever may use the app',
  builders: 'Whoever may edit the app or workflow',
  groups: 'Members of groups',
}

const colors: [EnvironmentColor, string][] = [
  ['amber', 'Amber'],
  ['blue', 'Blue'],
  ['violet', 'Violet'],
  ['green', 'Green'],
  ['red', 'Red'],
]

export function EnvironmentDialog({ environment, onClose }: { environment?: Environment; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(environment?.name ?? '')
  const [color, setColor] = useState<EnvironmentColor>(environment?.color ?? 'amber')
  const [access, setAccess] = useState<EnvironmentAccess>(environment?.access ?? 'builders')
  const [groups, setGroups] = useState<string[]>(environment?.groups ?? [])
  const known = useQuery({ ...groupsQuery, enabled: access === 'groups' })
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const body = { name, color, access, groups: access === 'groups' ? groups : [] }
      if (environment) await api.PUT('/api/v1/environments/{environment}', { params: { path: { environment: environment.name } }, body })
      else await api.POST('/api/v1/environments', { body })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['environments'] })
      onClose()
    },
  })
  return (
    <Dialog
      title={environment ? `Edit ${environment.name}` : 'Add environment'}
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            {environment ? 'Save' : 'Add environment'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={save.error} />
      <TextField label="Name" className="mono" required autoFocus maxLength={60} pattern="[a-z0-9]+(-[a-z0-9]+)*" placeholder="staging" hint="Expressions read it as environment.name. Lower-case letters, digits and hyphens." value={name} onChange={({ target }) => setName(target.value)} />
      {environment?.is_default ? (
        <p className="muted">It is the default environment: whoever may use an app uses it, unless they choose another.</p>
      ) : (
        <>
          <SelectField label="Colour" value={color} options={colors} onChange={({ target }) => setColor(target.value as EnvironmentColor)} />
          <SelectField label="Who may use it" hint="Administrators always may." value={access} options={Object.entries(accessTexts) as [EnvironmentAccess, string][]} onChange={({ target }) => setAccess(target.value as EnvironmentAccess)} />
          {access === 'groups' ? (
            <div className="field" role="group" aria-label="Groups">
              <span className="label">Groups</span>
              {known.data?.length === 0 ? <p className="hint">There are none yet: add one under Groups.</p> : null}
              {(known.data ?? []).map((group) => (
                <CheckField key={group.name} label={group.name} checked={groups.includes(group.name)} onChange={({ target }) => setGroups((before) => (target.checked ? [...before, group.name] : before.filter((one) => one !== group.name)))} />
              ))}
              {faultAt(save.error, 'groups') ? <p className="error">{faultAt(save.error, 'groups')}</p> : null}
            </div>
          ) : null}
        </>
      )}
    </Dialog>
  )
}
