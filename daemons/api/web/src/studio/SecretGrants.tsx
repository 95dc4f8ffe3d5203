/** Which workflows' code may use a secret. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import type { Secret } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { ErrorNotice } from '../ui/states'
import { WorkflowPicker } from './WorkflowPicker'

export function SecretGrants({ secret, onClose }: { secret: Secret; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [workflows, setWorkflows] = useState(() => secret.workflows.map((workflow) => workflow.slug))
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.PUT('/api/v1/secrets/{name}/grants', { params: { path: { name: secret.name } }, body: { workflows } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['secrets'] })
      onClose()
    },
  })
  return (
    <Dialog
      title={`Grant ${secret.name}`}
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            Save
          </Button>
        </>
      }
    >
      <ErrorNotice error={save.error} />
      <WorkflowPicker chosen={workflows} onChange={setWorkflows} />
      <div>
        <p className="label">In code</p>
        <p className="muted">
          JavaScript <code>await secret('{secret.name}')</code>, Python <code>secret('{secret.name}')</code>
        </p>
      </div>
    </Dialog>
  )
}
