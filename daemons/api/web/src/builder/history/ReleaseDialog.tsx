/** Before a release: what it changes, and a word on it for those who look at the history. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { AppDocument } from '../../api/types'
import { appDiff, isUnchanged } from '../../document/app-diff'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextAreaField } from '../../ui/Field'
import { ErrorNotice, SkeletonRows } from '../../ui/states'
import { Changes } from './Changes'
import './history.css'

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  version: number | undefined
  onReleased: (version: number) => void
  onClose: () => void
}

const mostNotes = 2000

export function ReleaseDialog({ slug, store, version, onReleased, onClose }: Props) {
  const [notes, setNotes] = useState('')
  const before = useQuery({
    queryKey: ['app release', slug, version],
    enabled: version !== undefined,
    queryFn: () => dataOf(api.GET('/api/v1/apps/{slug}/releases/{version}', { params: { path: { slug, version: version ?? 0 } } })),
  })
  const releasing = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (!(await store.save())) throw store.getState().problem ?? new Error('The draft changed while it was saved: try again.')
      return dataOf(api.POST('/api/v1/apps/{slug}/releases', { params: { path: { slug } }, body: { revision: store.getState().revision, notes } }))
    },
    onSuccess: (released) => {
      onReleased(released.version)
      onClose()
    },
  })
  const isModule = Boolean(store.getState().document.module)
  const diff = before.data && appDiff(before.data.document, store.getState().document)
  return (
    <Dialog
      title="Release"
      onClose={onClose}
      onSubmit={() => releasing.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={releasing.isPending}>
            {isModule ? 'Release' : 'Release to everybody'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={releasing.error} />
      <TextAreaField label="What it changes" rows={3} maxLength={mostNotes} placeholder="Search by city, and the total is right again" hint="For those who look at the history. It may be left out." value={notes} onChange={({ target }) => setNotes(target.value)} />
      {version === undefined ? <p className="muted">The first release: from then on, whoever {isModule ? 'the module is shared with can build with it' : 'the app is shared with can use it'}.</p> : null}
      {version !== undefined && before.isPending ? <SkeletonRows count={2} /> : null}
      {diff ? isUnchanged(diff) ? <p className="muted">The draft is the same as version {version}.</p> : <Changes diff={diff} since={`version ${version}`} /> : null}
    </Dialog>
  )
}
