/** A new key of a webhook, shown once. */
import { useMutation } from '@tanstack/react-query'
import { api, dataOf } from '../../api/client'
import type { WorkflowDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { CopyField } from '../../ui/CopyField'
import { Dialog } from '../../ui/Dialog'
import { ask } from '../../ui/ask'
import { ErrorNotice } from '../../ui/states'

export function KeyDialog({ slug, trigger, store, onClose }: { slug: string; trigger: string; store: DraftStore<WorkflowDocument>; onClose: () => void }) {
  const create = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      // The key belongs to a trigger that the server knows.
      if (!(await store.save())) throw store.getState().problem ?? new Error('The draft has changed since: make the key again.')
      return dataOf(api.POST('/api/v1/workflows/{slug}/triggers/{trigger}/key', { params: { path: { slug, trigger } }, headers: { 'content-type': 'application/json' } }))
    },
  })
  const confirmAndCreate = async () => {
    if (await ask({ title: 'Make a new key?', text: 'A key that callers use now stops working at once.', confirm: 'Make new key', isDanger: true })) create.mutate()
  }
  const address = create.data?.url.split('?')[0] ?? ''
  return (
    <Dialog
      title={`Key of ${trigger}`}
      isWide
      onClose={onClose}
      footer={
        create.data ? (
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button variant="primary" isBusy={create.isPending} onClick={() => void confirmAndCreate()}>
              Make new key
            </Button>
          </>
        )
      }
    >
      <ErrorNotice error={create.error} />
      {create.data ? (
        <>
          <p>This is the only time that the key is shown. Release the workflow for the webhook to work.</p>
          <CopyField label="Address with the key in it" value={create.data.url} />
          <CopyField label="Key alone, for the header Authorization: Bearer" value={create.data.key} />
          <CopyField label="Try it" value={`curl -X POST '${address}' -H 'Authorization: Bearer ${create.data.key}' -H 'Content-Type: application/json' -d '{}'`} />
        </>
      ) : (
        <p>Callers prove who they are with the key. Only a hash of it is kept, so a lost key is replaced by a new one.</p>
      )}
    </Dialog>
  )
}
