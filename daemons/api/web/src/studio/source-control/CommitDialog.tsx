/** Commits chosen documents: a message, and the branch or a new one. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import type { DocumentChange } from '../../api/types'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { CheckField, TextAreaField, TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { standingOf } from './standing'

interface Props {
  documents: DocumentChange[]
  branch: string
  onDone: () => void
  onClose: () => void
}

export function CommitDialog({ documents, branch, onDone, onClose }: Props) {
  const queryClient = useQueryClient()
  const [message, setMessage] = useState('')
  const [isNew, setNew] = useState(false)
  const [name, setName] = useState('')
  const commit = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.POST('/api/v1/source-control/commit', { body: { message, documents: documents.map(({ key }) => key), ...(isNew ? { new_branch: name.trim() } : {}) } }),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['source-control'] })
      onDone()
    },
  })
  return (
    <Dialog
      title={`Commit ${documents.length === 1 ? 'one document' : `${documents.length} documents`}`}
      onClose={onClose}
      onSubmit={() => commit.mutate()}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={commit.isPending} disabled={message.trim() === '' || (isNew && name.trim() === '')}>
            Commit and push
          </Button>
        </>
      }
    >
      <ErrorNotice error={commit.error} />
      <TextAreaField label="Message" hint="The first line is its title." required rows={3} maxLength={4000} value={message} onChange={({ target }) => setMessage(target.value)} />
      <ul className="muted">
        {documents.map((document) => (
          <li key={document.key}>
            <code>{document.key}</code> {standingOf(document).text.toLowerCase()}
          </li>
        ))}
      </ul>
      <CheckField label={`To a new branch instead of ${branch}`} checked={isNew} onChange={({ target }) => setNew(target.checked)} />
      {isNew ? <TextField label="New branch" hint="The connection stays on its branch; review and merge this one in the git server." placeholder="review/refunds" required value={name} onChange={({ target }) => setName(target.value)} /> : null}
    </Dialog>
  )
}
