/** A change of a table as SQL, before it is made: what is read here is what runs. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'
import { isProblem } from '../api/problem'
import type { SchemaChange } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { notify } from '../ui/toasts'

interface Props {
  resource: string
  title: string
  change: SchemaChange
  onBack?: (() => void) | undefined
  onClose: () => void
  onDone?: (() => void) | undefined
}

export function ChangeDialog({ resource, title, change, onBack, onClose, onDone }: Props) {
  const queryClient = useQueryClient()
  const path = { params: { path: { name: resource } } }
  const shown = useQuery({ queryKey: ['table-change', resource, change], retry: false, gcTime: 0, staleTime: Infinity, queryFn: () => dataOf(api.POST('/api/v1/resources/{name}/tables/change/preview', { ...path, body: change })) })
  const run = useMutation({
    mutationFn: ({ sql, state }: { sql: string; state: string }) => dataOf(api.POST('/api/v1/resources/{name}/tables/change', { ...path, body: { change, sql, state } })),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['tables', resource] })
      await queryClient.invalidateQueries({ queryKey: ['table-rows', resource] })
      await queryClient.invalidateQueries({ queryKey: ['schema', resource] })
      notify('The table is changed.', 'success')
      onClose()
      onDone?.()
    },
  })
  const isOld = isProblem(run.error, 'table-changed')
  const isDanger = change.do === 'drop-table' || change.do === 'drop-column'
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          {onBack ? <Button onClick={onBack}>Back</Button> : <Button onClick={onClose}>Cancel</Button>}
          {isOld ? (
            <Button
              variant="primary"
              onClick={() => {
                run.reset()
                void shown.refetch()
              }}
            >
              Show it again
            </Button>
          ) : (
            <Button variant={isDanger ? 'danger' : 'primary'} disabled={!shown.data || shown.isFetching} isBusy={run.isPending} onClick={() => shown.data && run.mutate(shown.data)}>
              Run this SQL
            </Button>
          )}
        </>
      }
    >
      <ErrorNotice error={shown.error ?? run.error} />
      {shown.isPending ? <SkeletonRows count={3} /> : null}
      {shown.data ? (
        <>
          <pre className="sheet-sql" tabIndex={0} aria-label="SQL">
            {shown.data.sql}
          </pre>
          {shown.data.notes.map((note) => (
            <p key={note} className="notice amber">
              {note}
            </p>
          ))}
        </>
      ) : null}
    </Dialog>
  )
}
