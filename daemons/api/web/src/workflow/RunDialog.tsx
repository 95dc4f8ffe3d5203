/** Starts a run of the released version by hand. */
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

interface Props {
  slug: string
  isDraftNewer: boolean
  onClose: () => void
}

/** JSON as typed, or why it is none. */
export function parseJson(text: string): { value: unknown } | { error: string } {
  if (text.trim() === '') return { value: null }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { error: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}

export function RunDialog({ slug, isDraftNewer, onClose }: Props) {
  const navigate = useNavigate()
  const storageKey = `bulkhead.body.${slug}`
  const [text, setText] = useState(() => localStorage.getItem(storageKey) ?? '{\n  \n}')
  const body = parseJson(text)
  const start = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/workflows/{slug}/runs', { params: { path: { slug } }, body: { body: 'value' in body ? body.value : null } })),
    onSuccess: ({ run }) => {
      localStorage.setItem(storageKey, text)
      void navigate({ to: '/workflows/$slug/runs/$run', params: { slug, run } })
    },
  })
  return (
    <Dialog
      title="Run the workflow"
      onClose={onClose}
      onSubmit={() => {
        if ('value' in body) start.mutate()
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={'error' in body} isBusy={start.isPending}>
            Start run
          </Button>
        </>
      }
    >
      <ErrorNotice error={start.error} />
      {isDraftNewer ? <div className="notice amber">The released version runs. Your changes are not part of it yet.</div> : null}
      <TextAreaField label="Body" className="mono" rows={8} hint="Blocks read it as trigger.body." error={'error' in body ? body.error : undefined} value={text} onChange={(event) => setText(event.target.value)} />
    </Dialog>
  )
}
