/** Which runs of a workflow come first, how many at the same time, and for how long they are kept. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { api } from '../../api/client'
import { messageOf } from '../../api/problem'
import type { Priority, QueueSettings } from '../../api/types'
import { Button } from '../../ui/Button'
import { SelectField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { notify } from '../../ui/toasts'
import { OptionalNumber } from '../editors/fields'

type Limit = 'max_running' | 'keep_days' | 'keep_runs' | 'keep_mb'

const limits: readonly { name: Limit; label: string; placeholder: string; hint: string; most: number }[] = [
  { name: 'max_running', label: 'Runs at the same time', placeholder: 'No limit', hint: 'Over all machines. Those that wait for a time, a person or another run do not count.', most: 10_000 },
  { name: 'keep_days', label: 'Days that a run is kept', placeholder: 'For ever', hint: 'After its end. Then it is deleted with its blocks, logs and answers.', most: 36_500 },
  { name: 'keep_runs', label: 'Runs that are kept', placeholder: 'All', hint: 'The oldest that have ended are deleted beyond that.', most: 100_000_000 },
  { name: 'keep_mb', label: 'Megabytes of runs that are kept', placeholder: 'All', hint: 'Results and logs, as they are stored. The oldest that have ended are deleted beyond that; the newest stays.', most: 100_000_000 },
]

/** What is wrong with a limit, before the server says so. */
function limitFault(value: number | null | undefined, most: number): string | undefined {
  if (value == null) return undefined
  return Number.isInteger(value) && value >= 1 && value <= most ? undefined : `A whole number from 1 to ${most.toLocaleString('en')}, or nothing.`
}

export function QueueForm({ slug, settings, isAdmin }: { slug: string; settings: QueueSettings; isAdmin: boolean }) {
  const queryClient = useQueryClient()
  const [edited, setEdited] = useState<QueueSettings>({})
  const shown = { ...settings, ...edited }
  const isChanged = Object.entries(edited).some(([key, value]) => value !== (settings[key as keyof QueueSettings] ?? null))
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.PUT('/api/v1/workflows/{slug}/settings', { params: { path: { slug } }, body: shown }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['workflow-queue', slug] })
      setEdited({})
      notify('Saved: it counts from now on.')
    },
  })
  const faults = limits.map(({ name, most }) => limitFault(shown[name], most))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (isChanged && faults.every((fault) => fault === undefined)) save.mutate()
  }
  // The server names the setting that it refuses.
  const refused = save.isError ? limits.find(({ name }) => messageOf(save.error).startsWith(name)) : undefined
  return (
    <form className="queue-form" onSubmit={submit}>
      {save.isError && !refused ? <ErrorNotice error={save.error} /> : null}
      <fieldset className="picker" disabled={!isAdmin}>
        <div className="queue-fields">
          <SelectField
            label="Priority"
            value={shown.priority ?? 'normal'}
            hint="Where runs have to wait, the higher comes first, then the older. Low waits for as long as something higher is queued."
            options={[
              ['high', 'High'],
              ['normal', 'Normal'],
              ['low', 'Low'],
            ]}
            onChange={({ target }) => setEdited({ ...edited, priority: target.value as Priority })}
          />
          {limits.map(({ name, label, placeholder, hint }, index) => (
            <OptionalNumber
              key={name}
              label={label}
              placeholder={placeholder}
              hint={hint}
              error={faults[index] ?? (refused?.name === name ? messageOf(save.error) : undefined)}
              value={shown[name]}
              onChange={(value) => setEdited({ ...edited, [name]: value })}
            />
          ))}
        </div>
      </fieldset>
      {isAdmin ? (
        <div className="row">
          <Button type="submit" variant="primary" disabled={!isChanged || faults.some(Boolean)} isBusy={save.isPending}>
            Save settings
          </Button>
          {isChanged ? <Button onClick={() => setEdited({})}>Discard</Button> : null}
        </div>
      ) : (
        <p className="muted">Changing them needs the role admin on this workflow.</p>
      )}
    </form>
  )
}
