/** Of a block nobody knows whether it took effect: somebody looks, and chooses what becomes of it. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleHelp } from 'lucide-react'
import { useId, useState } from 'react'
import { api } from '../api/client'
import type { BlockRun, Choice, RunDetail } from '../api/types'
import { Button } from '../ui/Button'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { choices, outcomeOf, whatToCheck } from './outcome'

/** At the head of a run that waits for a choice: leads to the block. */
export function OutcomeNotice({ block, onShow }: { block: string; onShow: () => void }) {
  return (
    <div className="notice amber question">
      <p className="grow">
        <strong>Nobody knows whether {block} took effect.</strong> The run waits until somebody has looked and chosen.
      </p>
      <Button size="small" onClick={onShow}>
        Look and choose
      </Button>
    </div>
  )
}

export function OutcomePanel({ detail, round }: { detail: RunDetail; round: BlockRun }) {
  const outcome = outcomeOf(detail, round)
  if (outcome === undefined) return null
  if (outcome === 'asked') return <Question detail={detail} round={round} />
  const chosen = choices.find(({ choice }) => choice === round.choice)
  const says = {
    chosen: `${round.chosen_by ?? 'Somebody'} has chosen ${chosen?.text.toLowerCase() ?? round.choice}. ${chosen?.past ?? ''}`,
    failed: 'Nobody was asked: the block counts as failed, as the workflow says.',
    ended: 'The run ended before anybody had chosen.',
  }[outcome]
  return (
    <div className="panel-section">
      <div className="notice amber">
        <CircleHelp className="icon" strokeWidth={1.5} aria-hidden />
        <div>
          <p>
            <strong>Nobody knows whether this took effect</strong>
          </p>
          <p>{says}</p>
        </div>
      </div>
    </div>
  )
}

function Question({ detail, round }: { detail: RunDetail; round: BlockRun }) {
  const queryClient = useQueryClient()
  const group = useId()
  const [chosen, setChosen] = useState<Choice>()
  const { id } = detail.run
  const choose = useMutation({
    meta: { showsError: true },
    mutationFn: (choice: Choice) => {
      const { block, iteration, attempt } = round
      return api.POST('/api/v1/runs/{id}/blocks/{block}/choice', { params: { path: { id, block } }, body: { iteration, attempt, choice } })
    },
    onSuccess: () => notify('Chosen: the run goes on.'),
    // Somebody else may have been quicker: the run says so.
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['run', id] }),
  })
  return (
    <form
      id="outcome"
      className="panel-section outcome"
      onSubmit={(event) => {
        event.preventDefault()
        if (chosen) choose.mutate(chosen)
      }}
    >
      <div>
        <h3>
          <CircleHelp className="icon" strokeWidth={1.5} aria-hidden />
          Nobody knows whether this took effect
        </h3>
        <p>The connection or a process was lost while {round.block} was at work. The run waits for your choice.</p>
        <p>{whatToCheck(detail.document.blocks[round.block])}</p>
      </div>
      <ErrorNotice error={choose.error} />
      <fieldset className="picker">
        <legend className="label">What becomes of it?</legend>
        {choices.map(({ choice, text, effect }) => (
          <label key={choice} className="outcome-choice">
            <input type="radio" name={group} value={choice} checked={chosen === choice} onChange={() => setChosen(choice)} />
            <span>
              <strong>{text}</strong>
              <span className="muted">{effect}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="row">
        <Button type="submit" variant="primary" disabled={!chosen} isBusy={choose.isPending}>
          Choose and go on
        </Button>
        <span className="muted">The first choice counts, and is audited.</span>
      </div>
    </form>
  )
}
