/** What a person may say to a run that has not ended. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Ban, OctagonX, Pause, Play } from 'lucide-react'
import { api } from '../api/client'
import type { RunSummary } from '../api/types'
import { Button } from '../ui/Button'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { ask } from '../ui/ask'
import { notify } from '../ui/toasts'

type Word = 'pause' | 'resume' | 'cancel' | 'terminate'

const headers = { 'content-type': 'application/json' }
const paths = {
  pause: '/api/v1/runs/{id}/pause',
  resume: '/api/v1/runs/{id}/resume',
  cancel: '/api/v1/runs/{id}/cancel',
  terminate: '/api/v1/runs/{id}/terminate',
} as const
const done: Record<Word, string> = {
  pause: 'The run stops before its next step.',
  resume: 'The run goes on.',
  cancel: 'The run is asked to end.',
  terminate: 'The run has ended.',
}

export function RunControls({ run }: { run: RunSummary }) {
  const queryClient = useQueryClient()
  const say = useMutation({
    mutationFn: (word: Word) => api.POST(paths[word], { params: { path: { id: run.id } }, headers }),
    onSuccess: (_, word) => notify(done[word]),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['run', run.id] }),
  })
  const isSaying = (word: Word) => say.isPending && say.variables === word
  const cancel = async () => {
    if (await ask({ title: 'Cancel this run?', text: 'It ends where it is. What its blocks have done so far stays done.', confirm: 'Cancel run', dismiss: 'Let it run', isDanger: true })) say.mutate('cancel')
  }
  const terminate = async () => {
    const text = 'It ends here and now, as cancelled, also when no worker answers. Nothing of it has an effect here after that; what a request or a statement is doing elsewhere at this moment is not waited for. Cancel it first, and terminate what does not end by that.'
    if (await ask({ title: 'Terminate this run?', text, confirm: 'Terminate run', dismiss: 'Let it run', isDanger: true })) say.mutate('terminate')
  }
  return (
    <>
      {run.paused_at ? (
        <Button icon={Play} isBusy={isSaying('resume')} onClick={() => say.mutate('resume')}>
          Resume
        </Button>
      ) : (
        <Button icon={Pause} title="It stops before its next step" isBusy={isSaying('pause')} onClick={() => say.mutate('pause')}>
          Pause
        </Button>
      )}
      <Button icon={Ban} isBusy={isSaying('cancel')} onClick={() => void cancel()}>
        Cancel run
      </Button>
      <MenuButton text="More" label="More for this run">
        <MenuItem icon={OctagonX} isDanger onChoose={() => void terminate()}>
          Terminate run…
        </MenuItem>
      </MenuButton>
    </>
  )
}
