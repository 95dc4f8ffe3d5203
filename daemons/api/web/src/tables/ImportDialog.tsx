/** A CSV file becomes a table, or rows of one: sent in pieces, looked at as a whole, and imported at once. */
import { useNavigate } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { api } from '../api/client'
import type { ImportOutcome, TableDefinition } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { bytes, count } from '../ui/format'
import { FileDrop } from '../ui/FileDrop'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { ImportChoices } from './ImportChoices'
import { type Choices, type SentFile, choicesFor, importFile, runOf, sendFile } from './import-file'
import './tables.css'

interface Props {
  resource: string
  /** The table that the rows go to; a new one when absent. */
  into?: TableDefinition
  onClose: () => void
}

export function ImportDialog({ resource, into, onClose }: Props) {
  const navigate = useNavigate()
  const queryClient = useQueryClient()
  const [progress, setProgress] = useState<{ done: number; size: number }>()
  const [file, setFile] = useState<SentFile>()
  const [choices, setChoices] = useState<Choices>()
  const [looked, setLooked] = useState<ImportOutcome>()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const leaving = useRef<AbortController>(null)
  const isOver = useRef(false)
  const sent = useRef<string>(undefined)
  useEffect(
    () => () => {
      leaving.current?.abort()
      // What nobody imports is not kept for a day.
      if (sent.current && !isOver.current) void api.DELETE('/api/v1/resources/{name}/tables/imports/{import}', { params: { path: { name: resource, import: sent.current } }, headers: { 'content-type': 'application/json' } }).catch(() => {})
    },
    [resource],
  )
  const work = async (action: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    try {
      await action()
    } catch (problem) {
      if (!leaving.current?.signal.aborted) setError(problem)
    } finally {
      setBusy(false)
    }
  }
  const take = (chosen: File) =>
    void work(async () => {
      leaving.current = new AbortController()
      setProgress({ done: 0, size: chosen.size })
      try {
        const found = await sendFile(resource, chosen, {
          signal: leaving.current.signal,
          onBegun: (id) => (sent.current = id),
          onProgress: (done) => setProgress({ done, size: chosen.size }),
        })
        setFile(found)
        setChoices(choicesFor(found, into))
      } finally {
        setProgress(undefined)
      }
    })
  const choose = (next: Choices) => {
    setChoices(next)
    setLooked(undefined)
    setError(undefined)
  }
  const run = (accepted: number | undefined) =>
    void work(async () => {
      if (!file || !choices) return
      const outcome = await importFile(resource, file, runOf(file, choices, into, accepted))
      setLooked(outcome)
      // Nothing is left out: there is nothing to accept.
      if (accepted === undefined && outcome.rejected.length === 0 && !outcome.too_many) return finish(await importFile(resource, file, runOf(file, choices, into, 0)))
      finish(outcome)
    })
  const finish = (outcome: ImportOutcome) => {
    setLooked(outcome)
    if (!outcome.imported || !choices) return
    isOver.current = true
    void queryClient.invalidateQueries({ queryKey: ['tables', resource] })
    void queryClient.invalidateQueries({ queryKey: ['table-rows', resource] })
    void queryClient.invalidateQueries({ queryKey: ['schema', resource] })
    notify(outcome.fitting === 1 ? 'One row is imported.' : `${outcome.fitting.toLocaleString('en')} rows are imported.`, 'success')
    onClose()
    if (!into) void navigate({ to: '/tables/$table', params: { table: choices.table }, search: {} })
  }
  const title = into ? `Import a CSV file into ${into.name}` : 'New table from a CSV file'
  if (!file || !choices) {
    return (
      <Dialog title={title} isWide onClose={onClose} footer={<Button onClick={onClose}>Cancel</Button>}>
        <ErrorNotice error={error} />
        <p>The first line names the columns. The file is sent in pieces; nothing of it is in a table before you have seen what becomes of it.</p>
        {progress ? (
          <div className="stack" role="status">
            <p>
              {bytes(progress.done)} of {bytes(progress.size)} sent
            </p>
            <progress max={progress.size} value={progress.done} aria-label="Sent" />
          </div>
        ) : (
          <FileDrop label="Drop a CSV file here" accept=".csv,.tsv,.txt,text/csv" onFile={take} />
        )}
      </Dialog>
    )
  }
  const rejected = looked?.rejected.length ?? 0
  const isAccepting = looked !== undefined && rejected > 0 && !looked.too_many && looked.fitting > 0
  return (
    <Dialog
      title={title}
      isWide
      onClose={onClose}
      onSubmit={() => run(isAccepting ? rejected : undefined)}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={isBusy} disabled={looked !== undefined && !isAccepting && rejected > 0}>
            {isAccepting ? `Import ${count(looked.fitting, 'row')}, leave out ${rejected.toLocaleString('en')}` : `Import ${count(file.look.rows, 'row')}`}
          </Button>
        </>
      }
    >
      <ErrorNotice error={error} />
      <ImportChoices file={file} choices={choices} into={into} looked={looked} onChange={choose} />
    </Dialog>
  )
}
