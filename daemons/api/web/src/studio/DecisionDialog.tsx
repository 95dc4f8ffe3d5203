/** Approves or rejects what a run asks, with a word about it. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../api/client'
import { ApiProblem, faultAt } from '../api/problem'
import type { Approval } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextAreaField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { DecisionForm } from './DecisionForm'
import { answersOf, filledAtStart } from './decision-form'

export function DecisionDialog({ approval, isApproved, onClose }: { approval: Approval; isApproved: boolean; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [comment, setComment] = useState('')
  const [filled, setFilled] = useState(() => filledAtStart(approval.form))
  const decide = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.POST('/api/v1/approvals/{id}/decision', { params: { path: { id: approval.id } }, body: { approved: isApproved, comment, form: answersOf(approval.form, filled) } }),
    onSuccess: async () => {
      notify(isApproved ? 'Approved: the run goes on.' : 'Rejected: the run goes on.')
      await queryClient.invalidateQueries({ queryKey: ['approvals'] })
      onClose()
    },
    // Somebody else may have been quicker: the list says so.
    onError: () => void queryClient.invalidateQueries({ queryKey: ['approvals'] }),
  })
  const isGone = decide.error instanceof ApiProblem && decide.error.status === 404
  return (
    <Dialog
      title={isApproved ? 'Approve' : 'Reject'}
      onClose={onClose}
      onSubmit={() => decide.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant={isApproved ? 'primary' : 'danger'} disabled={isGone} isBusy={decide.isPending}>
            {isApproved ? 'Approve' : 'Reject'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={isGone ? new Error('This question is no longer open to you: somebody has decided it, its run has ended, or you may not decide it any more.') : decide.error} />
      <p>
        <strong>{approval.title}</strong>
      </p>
      {approval.description ? <p className="approval-text">{approval.description}</p> : null}
      <DecisionForm fields={approval.form} filled={filled} isApproved={isApproved} fault={(name) => faultAt(decide.error, `form.${name}`)} onChange={setFilled} />
      <TextAreaField label="Comment" rows={3} maxLength={2000} hint="If you like; the run sees it." autoFocus={approval.form.length === 0} value={comment} onChange={({ target }) => setComment(target.value)} />
    </Dialog>
  )
}
