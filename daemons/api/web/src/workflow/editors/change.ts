/** What every editor of a block is given. */
import type { Block, WorkflowDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import type { EditorFault } from '../../ui/code-mirror'
import type { BlockKind } from '../blocks'

/** Changes fields of the block; one that is `null` or says nothing now is taken away. Those with the same key within a moment are one step of undo. */
export type Change = (next: Partial<Block>, key?: string) => void

export interface EditorProps<Kind extends BlockKind = BlockKind> {
  name: string
  block: Extract<Block, { type: Kind }>
  change: Change
  faults: EditorFault[]
  store: DraftStore<WorkflowDocument>
}
