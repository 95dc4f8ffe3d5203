/** Moves a query of the app to the library: it is added there and released, and the app's query refers to it. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import type { AppDocument, AppQuery } from '../api/types'
import { useRuntime } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { moved } from '../document/library-query'
import { slugOf } from '../studio/CreateDocument'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { cutQuery } from './use-builder-runtime'

export function MoveToLibrary({ name, query, store, onClose }: { name: string; query: AppQuery; store: DraftStore<AppDocument>; onClose: () => void }) {
  const runtime = useRuntime()
  const queryClient = useQueryClient()
  const [title, setTitle] = useState(name)
  const [slug, setSlug] = useState(() => slugOf(name.replace(/([a-z\d])([A-Z])/g, '$1-$2')))
  const move = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const { expressions, error } = await cutQuery(runtime, query)
      if (error) throw new Error(error)
      const { document, reference } = moved(query, expressions, { slug, title })
      await api.POST('/api/v1/queries', { body: { slug, document } })
      await dataOf(api.POST('/api/v1/queries/{slug}/releases', { params: { path: { slug } }, body: { revision: 1 } }))
      return reference
    },
    onSuccess: (reference) => {
      store.edit((draft) => {
        const target = draft.queries?.[name]
        if (target) Object.assign(target, reference)
      })
      void queryClient.invalidateQueries({ queryKey: ['queries'] })
      notify(`${title} is in the library. Share it there with the people who use this app.`)
      onClose()
    },
  })
  return (
    <Dialog
      title="Move to the library"
      onClose={onClose}
      onSubmit={() => move.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={move.isPending}>
            Move
          </Button>
        </>
      }
    >
      <ErrorNotice error={move.error} />
      <p className="muted">Other apps and workflows can use it then. Each value that it binds becomes a parameter, and this app gives the same values as before.</p>
      <TextField label="Title" required autoFocus maxLength={120} value={title} onChange={({ target }) => setTitle(target.value)} />
      <TextField label="Name" className="mono" required maxLength={63} pattern="[a-z0-9]+(-[a-z0-9]+)*" hint="References use it, so it stays. Lower-case letters, digits and hyphens." value={slug} onChange={({ target }) => setSlug(target.value)} />
    </Dialog>
  )
}
