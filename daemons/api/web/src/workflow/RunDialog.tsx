/** Starts a run of the released version by hand, or one like an earlier run. */
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { parseJson } from '../document/json-text'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { useEnvironment } from './use-environment'

interface Props {
  slug: string
  isDraftNewer: boolean
  /** The run to start again, with what its blocks read as `trigger.body`; from a block on, where one is named. */
  again?: { run: string; version: number; body: unknown; from?: string }
  onClose: () => void
}

export function RunDialog({ slug, isDraftNewer, again, onClose }: Props) {
  const navigate = useNavigate()
  const storageKey = `bulkhead.body.${slug}`
  const [text, setText] = useState(() => (again ? JSON.stringify(again.body ?? null, null, 2) : (localStorage.getItem(storageKey) ?? '{\n  \n}')))
  const body = parseJson(text)
  const environment = useEnvironment(slug)
  const start = useMutation({
    meta: { showsError: true },
    mutationFn: () => {
      const value = 'value' in body ? body.value : null
      if (again) return dataOf(api.POST('/api/v1/runs/{id}/rerun', { params: { path: { id: again.run } }, body: { body: value, ...(again.from ? { from: again.from } : {}) } }))
      return dataOf(api.POST('/api/v1/workflows/{slug}/runs', { params: { path: { slug } }, body: { body: value, ...environment.given } }))
    },
    onSuccess: ({ run }) => {
      if (again) onClose()
      else localStorage.setItem(storageKey, text)
      void navigate({ to: '/workflows/$slug/runs/$run', params: { slug, run } })
    },
  })
  return (
    <Dialog
      title={again?.from ? `Run again from ${again.from}` : again ? 'Run again' : 'Run the workflow'}
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
      {again ? (
        <p className="muted">
          {again.from
            ? `A new run of version ${again.version}, as this one. What came before ${again.from} is taken from this run and not run again: results, variables, decisions of people. What ${again.from} and the blocks after it do happens again.`
            : 'A new run of the version in use, with what started this one. Side effects happen again.'}
        </p>
      ) : null}
      {again ? null : environment.field}
      <TextAreaField label="Body" className="mono" rows={8} hint="Blocks read it as trigger.body." error={'error' in body ? body.error : undefined} value={text} onChange={(event) => setText(event.target.value)} />
    </Dialog>
  )
}
