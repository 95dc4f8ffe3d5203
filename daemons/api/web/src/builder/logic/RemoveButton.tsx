/** Removes a part of the app, and with it what is about that part alone. */
import type { Draft } from 'immer'
import { Trash2 } from 'lucide-react'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'

interface Props {
  text: string
  store: DraftStore<AppDocument>
  remove: (draft: Draft<AppDocument>) => void
  onRemoved: () => void
}

export function RemoveButton({ text, store, remove, onRemoved }: Props) {
  const onClick = () => {
    store.edit(remove)
    onRemoved()
  }
  return (
    <Button variant="danger" size="small" icon={Trash2} onClick={onClick}>
      {text}
    </Button>
  )
}
