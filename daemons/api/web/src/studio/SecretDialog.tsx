/** Adds a secret, or replaces its value. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { Secret } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { WorkflowPicker } from './WorkflowPicker'

const maxBytes = 64 * 1024

export function SecretDialog({ secret, onClose }: { secret?: Secret; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const [workflows, setWorkflows] = useState<string[]>([])
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (secret) await api.PUT('/api/v1/secrets/{name}', { params: { path: { name: secret.name } }, body: { value } })
      else await api.POST('/api/v1/secrets', { body: { name, value, workflows } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['secrets'] })
      onClose()
    },
  })
  const isTooLong = new TextEncoder().encode(value).length > maxBytes
  const fault = save.error instanceof ApiProblem ? save.error.faults.find((found) => found.path === 'value')?.message : undefined
  return (
    <Dialog
      title={secret ? `Replace ${secret.name}` : 'Add secret'}
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={value === '' || isTooLong || (!secret && name === '')} isBusy={save.isPending}>
            {secret ? 'Replace value' : 'Add secret'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={save.error} />
      {secret ? (
        <p>The new value counts from the next use on. Workflows that may use the secret stay the same.</p>
      ) : (
        <TextField label="Name" hint="Code uses it: a letter, then letters, digits or _." placeholder="crmToken" className="mono" required autoFocus maxLength={63} value={name} onChange={(event) => setName(event.target.value)} />
      )}
      <TextAreaField
        label="Value"
        className="mono"
        rows={3}
        required
        autoComplete="off"
        autoFocus={secret !== undefined}
        hint="Sealed as soon as it arrives. It cannot be shown again."
        error={isTooLong ? 'It is longer than 64 KiB.' : fault}
        value={value}
        onChange={(event) => setValue(event.target.value)}
      />
      {secret ? null : <WorkflowPicker chosen={workflows} onChange={setWorkflows} />}
    </Dialog>
  )
}
