/** Adds a group, or says anew what one is for. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { faultAt } from '../api/problem'
import type { Group } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

export function GroupDialog({ group, onClose }: { group?: Group; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState('')
  const [description, setDescription] = useState(group?.description ?? '')
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (group) await api.PATCH('/api/v1/groups/{name}', { params: { path: { name: group.name } }, body: { description } })
      else await api.POST('/api/v1/groups', { body: { name, description } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['groups'] })
      onClose()
    },
  })
  const fault = faultAt(save.error, 'description')
  return (
    <Dialog
      title={group ? `Describe ${group.name}` : 'Add group'}
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            {group ? 'Save' : 'Add group'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={fault ? undefined : save.error} />
      {group ? null : <TextField label="Name" className="mono" required autoFocus maxLength={63} pattern="[a-z0-9]+(-[a-z0-9]+)*" hint="Workflows name it, so it stays. Lower-case letters, digits and hyphens." value={name} onChange={({ target }) => setName(target.value)} />}
      <TextAreaField label="Description" rows={3} maxLength={500} autoFocus={group !== undefined} error={fault} hint="What the group is for." value={description} onChange={({ target }) => setDescription(target.value)} />
    </Dialog>
  )
}
