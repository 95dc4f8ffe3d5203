/** The event that a run waits for, and a way to send it by hand. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Send } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField } from '../ui/Field'
import { count } from '../ui/format'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { parseJson } from '../document/json-text'
import type { AwaitedEvent } from './waiting'

export function OpenEvent({ slug, event }: { slug: string; event: AwaitedEvent }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <div className="notice question">
      <div className="grow">
        <p>
          It waits for the event <strong className="mono">{event.name}</strong>
          {event.key === '' ? ' without a key.' : null}
          {event.key === '' ? null : (
            <>
              {' '}
              with the key <strong className="mono">{event.key}</strong>.
            </>
          )}
        </p>
      </div>
      <Button size="small" icon={Send} onClick={() => setOpen(true)}>
        Send event
      </Button>
      {isOpen ? <SendEvent slug={slug} event={event} onClose={() => setOpen(false)} /> : null}
    </div>
  )
}

function SendEvent({ slug, event, onClose }: { slug: string; event: AwaitedEvent; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [text, setText] = useState('')
  const body = parseJson(text)
  const send = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/workflows/{slug}/events', { params: { path: { slug } }, body: { name: event.name, key: event.key === '' ? null : event.key, body: 'value' in body ? body.value : null } })),
    onSuccess: async ({ runs }) => {
      notify(runs === 0 ? 'Sent. No run waits for it any more; one that does later takes it.' : `Sent: ${count(runs, 'run goes', 'runs go')} on.`)
      await queryClient.invalidateQueries({ queryKey: ['run'] })
      onClose()
    },
  })
  return (
    <Dialog
      title={`Send ${event.name}`}
      onClose={onClose}
      onSubmit={() => {
        if ('value' in body) send.mutate()
      }}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={'error' in body} isBusy={send.isPending}>
            Send event
          </Button>
        </>
      }
    >
      <ErrorNotice error={send.error} />
      <p>
        {event.key === '' ? 'Every run of this workflow that waits for it takes it.' : 'Every run of this workflow that waits for it with this key takes it.'} The block reads what stands here as <code>body</code> of its result.
      </p>
      <TextAreaField label="Body" className="mono" rows={5} autoFocus hint="JSON; nothing is null." error={'error' in body ? body.error : undefined} value={text} onChange={({ target }) => setText(target.value)} />
    </Dialog>
  )
}
