/** A new app, workflow or query of the library: a title, from which the address follows until it is typed. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { isProblem } from '../api/problem'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

const paths = { app: 'apps', workflow: 'workflows', query: 'queries' } as const
const examples = { app: 'Refund desk', workflow: 'Nightly sync', query: 'Open orders' } as const

interface Props {
  noun: keyof typeof paths
  create: (slug: string, title: string) => Promise<unknown>
  onCreated: (slug: string) => void
  onClose: () => void
}

export function slugOf(title: string): string {
  const plain = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return plain.replace(/^-/, '').slice(0, 63).replace(/-$/, '')
}

/** Where it is found; the server says whether the address is taken. */
export function AddressField({ noun, slug, isTaken, onChange }: { noun: Props['noun']; slug: string; isTaken: boolean; onChange: (slug: string) => void }) {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (isTaken) field.current?.focus()
  }, [isTaken])
  return (
    <TextField
      ref={field}
      label="Address"
      hint={`/${paths[noun]}/${slug || '…'} — lower-case letters, digits and hyphens`}
      error={isTaken ? `Another ${noun} has this address: choose another one.` : undefined}
      required
      value={slug}
      onChange={({ target }) => onChange(target.value)}
    />
  )
}

export function CreateDocument({ noun, create, onCreated, onClose }: Props) {
  const queryClient = useQueryClient()
  const [title, setTitle] = useState('')
  const [typedSlug, setTypedSlug] = useState<string>()
  const slug = typedSlug ?? slugOf(title)
  const creation = useMutation({
    meta: { showsError: true },
    mutationFn: (wanted: string) => create(wanted, title),
    onSuccess: async (_, wanted) => {
      await queryClient.invalidateQueries({ queryKey: [paths[noun]] })
      onCreated(wanted)
    },
  })
  const isTaken = isProblem(creation.error, 'exists')
  return (
    <Dialog
      title={`New ${noun}`}
      onClose={onClose}
      onSubmit={() => creation.mutate(slug)}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={title.trim() === '' || slug === ''} isBusy={creation.isPending}>
            {`Create ${noun}`}
          </Button>
        </>
      }
    >
      {isTaken ? null : <ErrorNotice error={creation.error} />}
      <TextField label="Title" placeholder={examples[noun]} autoFocus required maxLength={120} value={title} onChange={(event) => setTitle(event.target.value)} />
      <AddressField noun={noun} slug={slug} isTaken={isTaken && creation.variables === slug} onChange={setTypedSlug} />
    </Dialog>
  )
}
