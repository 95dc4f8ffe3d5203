/** Deleting an entry of a list: asks first, tells what went wrong, and has the list read again either way. */
import { useQueryClient } from '@tanstack/react-query'
import { messageOf } from '../api/problem'
import { ask } from '../ui/ask'
import { notify } from '../ui/toasts'

interface Question {
  title: string
  text: string
  confirm: string
}

export function useRemoval(list: string) {
  const queryClient = useQueryClient()
  return async (question: Question, remove: () => Promise<unknown>) => {
    if (!(await ask({ ...question, isDanger: true }))) return
    try {
      await remove()
    } catch (error) {
      notify(messageOf(error), 'error')
    }
    await queryClient.invalidateQueries({ queryKey: [list] })
  }
}
