/** `await ask(...)`: one question with two answers, shown by the `<Questions/>` that each root renders once. */
import { createStore } from 'zustand/vanilla'
import { useStore } from 'zustand'
import { t } from '../messages/messages'
import { Button } from './Button'
import { Dialog } from './Dialog'

interface Question {
  title: string
  text: string
  confirm: string
  /** On the other button, where `Cancel` could mean something else. */
  dismiss?: string
  isDanger?: boolean
}

const pending = createStore<{ question?: Question; answer?: (yes: boolean) => void }>(() => ({}))

export function ask(question: Question): Promise<boolean> {
  pending.getState().answer?.(false)
  return new Promise((resolve) => {
    pending.setState({
      question,
      answer: (yes) => {
        pending.setState({}, true)
        resolve(yes)
      },
    })
  })
}

export function Questions() {
  const { question, answer } = useStore(pending)
  if (!question || !answer) return null
  return (
    <Dialog
      title={question.title}
      onClose={() => answer(false)}
      footer={
        <>
          <Button onClick={() => answer(false)}>{question.dismiss ?? t('Cancel')}</Button>
          <Button variant={question.isDanger ? 'danger' : 'primary'} onClick={() => answer(true)} autoFocus>
            {question.confirm}
          </Button>
        </>
      }
    >
      <p>{question.text}</p>
    </Dialog>
  )
}
