/** A new app or workflow: a title, from which the address follows until it is typed. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

interface Props {
  noun: 'app' | 'workflow'
  create: (slug: string, title: string) => Promise<unknown>
  onCreated: (slug: string) => void
  onClose: () => void
}

export function slugOf(title: string): string {
  const plain = title.normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return plain.replace(/^-+|-+$/g, '').slice(0, 63)
}

export function CreateDocument({ noun, create, onCreated, onClose }: Props) {
  const queryClient = useQueryClient()
  const [title, setTitle] = useState('')
  const [typedSlug, setTypedSlug] = useState<string>()
  const slug = typedSlug ?? slugOf(title)
  const creation = useMutation({
    meta: { showsError: true },
    mutationFn: () => create(slug, title),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: [`${noun}s`] })
      onCreated(slug)
    },
  })
  return (
    <Dialog
      title={`New ${noun}`}
      onClose={onClose}
      onSubmit={() => creation.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={title.trim() === '' || slug === ''} isBusy={creation.isPending}>
            {`Create ${noun}`}
          </Button>
        </>
      }
    >
      <ErrorNotice error={creation.error} />
      <TextField label="Title" placeholder={noun === 'app' ? 'Refund desk' : 'Nightly sync'} autoFocus required maxLength={120} value={title} onChange={(event) => setTitle(event.target.value)} />
      <TextField label="Address" hint={`/${noun}s/${slug || '…'} — lower-case letters, digits and hyphens`} required value={slug} onChange={(event) => setTypedSlug(event.target.value)} />
    </Dialog>
  )
}
