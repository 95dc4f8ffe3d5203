/** The editor for what one kind of block does. */
import type { Block } from '../../api/types'
import { ApprovalEditor } from './approval'
import { CodeBlockEditor, HttpEditor, QueryEditor } from './calls'
import type { EditorProps } from './change'
import { BranchEditor, FilterEditor, LoopEditor, SetEditor, TryEditor } from './flow'
import { ParallelEditor, SwitchEditor } from './ports'
import { ResponseEditor, RunWorkflowEditor, StopEditor, WaitEditor } from './time'

export function Editor({ block, ...rest }: Omit<EditorProps, 'block'> & { block: Block }) {
  switch (block.type) {
    case 'query':
      return <QueryEditor block={block} {...rest} />
    case 'code':
      return <CodeBlockEditor block={block} {...rest} />
    case 'http':
      return <HttpEditor block={block} {...rest} />
    case 'branch':
      return <BranchEditor block={block} {...rest} />
    case 'switch':
      return <SwitchEditor block={block} {...rest} />
    case 'loop':
      return <LoopEditor block={block} {...rest} />
    case 'parallel':
      return <ParallelEditor block={block} {...rest} />
    case 'try':
      return <TryEditor block={block} {...rest} />
    case 'filter':
      return <FilterEditor block={block} {...rest} />
    case 'set':
      return <SetEditor block={block} {...rest} />
    case 'wait':
      return <WaitEditor block={block} {...rest} />
    case 'approval':
      return <ApprovalEditor block={block} {...rest} />
    case 'workflow':
      return <RunWorkflowEditor block={block} {...rest} />
    case 'response':
      return <ResponseEditor block={block} {...rest} />
    case 'stop':
      return <StopEditor block={block} {...rest} />
  }
}
