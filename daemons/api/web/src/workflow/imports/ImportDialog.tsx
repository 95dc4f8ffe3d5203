/** Makes a draft of a workflow of n8n's: its file is read, then its report is looked through. Nothing is stored before the draft is created. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import { isProblem } from '../../api/problem'
import type { Import } from '../../api/types'
import { AddressField, slugOf } from '../../studio/CreateDocument'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextAreaField, TextField } from '../../ui/Field'
import { FileDrop } from '../../ui/FileDrop'
import { ErrorNotice } from '../../ui/states'
import { ImportReport } from './ImportReport'
import { exportIn, isFarTooLong } from './export-file'
import { keepReport } from './kept-reports'
import './imports.css'

export function ImportDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [read, setRead] = useState<Import>()
  if (read) return <Review read={read} onBack={() => setRead(undefined)} onClose={onClose} />
  return <Source text={text} onText={setText} onRead={setRead} onClose={onClose} />
}

function Source({ text, onText, onRead, onClose }: { text: string; onText: (text: string) => void; onRead: (read: Import) => void; onClose: () => void }) {
  const reading = useMutation({
    meta: { showsError: true },
    mutationFn: (source: string) => {
      const found = exportIn(source)
      if ('error' in found) throw new Error(found.error)
      return dataOf(api.POST('/api/v1/imports/n8n', { body: { export: found.value } }))
    },
    onSuccess: onRead,
  })
  const take = (source: string) => {
    onText(isFarTooLong(source) ? '' : source)
    reading.mutate(source)
  }
  return (
    <Dialog
      title="Import from n8n"
      isWide
      onClose={onClose}
      onSubmit={() => reading.mutate(text)}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={text.trim() === ''} isBusy={reading.isPending}>
            Continue
          </Button>
        </>
      }
    >
      <ErrorNotice error={reading.error} />
      <p>A workflow, as n8n's editor downloads it, becomes a draft here. You look through a report on what became of each node first; until you create the draft, nothing is stored.</p>
      <FileDrop label="Drop the workflow's file here" accept=".json,application/json" onText={take} />
      <TextAreaField
        label="Or paste its text"
        className="mono import-text"
        rows={8}
        placeholder={'{ "name": "…", "nodes": […], "connections": {…} }'}
        hint="Credentials are not in the file. Executions, pinned data and tags are not read."
        value={text}
        onChange={({ target }) => {
          onText(target.value)
          reading.reset()
        }}
      />
    </Dialog>
  )
}

function Review({ read, onBack, onClose }: { read: Import; onBack: () => void; onClose: () => void }) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [title, setTitle] = useState(read.name)
  const [typedSlug, setTypedSlug] = useState<string>()
  const slug = typedSlug ?? slugOf(title)
  const creation = useMutation({
    meta: { showsError: true },
    // A workflow has the title that its document has.
    mutationFn: (wanted: { slug: string; title: string }) => dataOf(api.POST('/api/v1/workflows', { body: { ...wanted, document: { ...read.document, title: wanted.title } } })),
    onSuccess: async (_, wanted) => {
      keepReport(wanted.slug, read.report)
      await queryClient.invalidateQueries({ queryKey: ['workflows'] })
      await navigate({ to: '/workflows/$slug', params: { slug: wanted.slug } })
    },
  })
  const isTaken = isProblem(creation.error, 'exists')
  return (
    <Dialog
      title="Import from n8n"
      isWide
      onClose={onClose}
      onSubmit={() => creation.mutate({ slug, title: title.trim() })}
      footer={
        <>
          <Button onClick={onBack}>Back</Button>
          <Button type="submit" variant="primary" disabled={title.trim() === '' || slug === ''} isBusy={creation.isPending}>
            Create draft
          </Button>
        </>
      }
    >
      {isTaken ? null : <ErrorNotice error={creation.error} />}
      <div className="import-names">
        <TextField label="Title" autoFocus required maxLength={120} value={title} onChange={({ target }) => setTitle(target.value)} />
        <AddressField noun="workflow" slug={slug} isTaken={isTaken && creation.variables?.slug === slug} onChange={setTypedSlug} />
      </div>
      <ImportReport name={title} slug={slug} report={read.report} />
    </Dialog>
  )
}
