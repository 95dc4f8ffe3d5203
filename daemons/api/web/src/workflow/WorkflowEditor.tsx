/** The editor of a workflow: graph at the left, what is selected at the right, saving and releasing at the top. */
import { useQuery } from '@tanstack/react-query'
import { History, Play, Redo2, Settings2, Undo2 } from 'lucide-react'
import { type ReactNode, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import { api, dataOf } from '../api/client'
import { ApiProblem, messageOf } from '../api/problem'
import type { WorkflowDocument } from '../api/types'
import { type DraftStore, saveText } from '../document/draft-store'
import { useDraftKeys } from '../document/use-draft-keys'
import { PageHead } from '../studio/PageHead'
import { Releases } from '../studio/Releases'
import { resourcesQuery } from '../studio/lists'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { ErrorNotice } from '../ui/states'
import { notify } from '../ui/toasts'
import { AddMenu } from './AddMenu'
import { BlockPanel } from './BlockPanel'
import { type BlockMark, Graph } from './Graph'
import { RunDialog } from './RunDialog'
import { WorkflowPanel } from './WorkflowPanel'
import { type BlockKind, commonKinds, freeName, kinds } from './blocks'
import { addBlock, connect, removeBlock, removeEdge } from './edits'

interface Props {
  slug: string
  store: DraftStore<WorkflowDocument>
  /** That is released, if there is one. */
  version: number | undefined
  onVersion: (version: number) => void
  tabs: ReactNode
}

export function WorkflowEditor({ slug, store, version, onVersion, tabs }: Props) {
  const state = useStore(store)
  const { document, problem } = state
  const resources = useQuery(resourcesQuery).data ?? []
  const [selected, setSelected] = useState<string | undefined>(document.start)
  const [open, setOpen] = useState<'run' | 'releases'>()
  const [isReleasing, setReleasing] = useState(false)
  useDraftKeys(store)

  const marks = useMemo(() => faultsByBlock(problem), [problem])
  const add = (kind: BlockKind) => {
    const name = freeName(document, kind)
    store.edit((draft) => addBlock(draft, name, kinds[kind].make(resources[0]?.name ?? '', document), selected && selected in document.blocks ? selected : undefined))
    setSelected(name)
  }
  const release = async () => {
    setReleasing(true)
    try {
      if (!(await store.save())) return
      const released = await dataOf(api.POST('/api/v1/workflows/{slug}/releases', { params: { path: { slug } }, body: { revision: store.getState().revision } }))
      onVersion(released.version)
      notify(`Version ${released.version} is released: triggers run it from now on.`)
    } catch (error) {
      notify(messageOf(error), 'error')
    } finally {
      setReleasing(false)
    }
  }
  const block = selected === undefined ? undefined : document.blocks[selected]
  return (
    <div className="workflow">
      <PageHead title={document.title} parent={{ to: '/workflows', text: 'Workflows' }} status={version ? <Badge tone="green">Version {version}</Badge> : <Badge>Never released</Badge>}>
        <span className="muted nowrap" role="status">
          {saveText(state)}
        </span>
        <Button variant="ghost" icon={Undo2} label="Undo" disabled={state.past.length === 0} onClick={store.undo} />
        <Button variant="ghost" icon={Redo2} label="Redo" disabled={state.future.length === 0} onClick={store.redo} />
        <Button variant="ghost" icon={Settings2} label="Workflow settings" aria-pressed={block === undefined} onClick={() => setSelected(undefined)} />
        <Button variant="ghost" icon={History} label="Releases" onClick={() => setOpen('releases')} />
        <Button disabled={document === state.saved} isBusy={state.isSaving && !isReleasing} onClick={() => void store.save()}>
          Save
        </Button>
        <Button icon={Play} disabled={!version} title={version ? undefined : 'Release the workflow first'} onClick={() => setOpen('run')}>
          Run
        </Button>
        <Button variant="primary" isBusy={isReleasing} onClick={() => void release()}>
          Release
        </Button>
      </PageHead>
      {tabs}
      {problem ? (
        <div className="run-notice">
          <ErrorNotice error={problem} />
        </div>
      ) : null}
      <div className="workflow-main">
        <div className="workflow-graph">
          <div className="workflow-add" role="toolbar" aria-label="Add a block">
            {commonKinds.map((kind) => (
              <Button key={kind} size="small" icon={kinds[kind].icon} onClick={() => add(kind)}>
                {kinds[kind].text}
              </Button>
            ))}
            <AddMenu onAdd={add} />
          </div>
          <Graph
            document={document}
            selected={selected}
            onSelect={setSelected}
            marks={marks}
            onConnect={(from, to, port) => store.edit((draft) => connect(draft, from, to, port))}
            onRemove={({ blocks, edges }) => {
              store.edit((draft) => {
                for (const name of blocks) removeBlock(draft, name)
                for (const edge of edges) removeEdge(draft, edge.from, edge.port)
              })
              if (blocks.length > 0) setSelected(undefined)
            }}
          />
        </div>
        <aside className="panel" aria-label={selected ? `Block ${selected}` : 'Workflow'}>
          {selected && block ? (
            <BlockPanel key={selected} slug={slug} name={selected} block={block} store={store} faults={marks[selected]?.faults ?? []} onRenamed={setSelected} onRemoved={() => setSelected(undefined)} />
          ) : (
            <WorkflowPanel slug={slug} store={store} version={version} />
          )}
        </aside>
      </div>
      {open === 'run' ? <RunDialog slug={slug} isDraftNewer={document !== state.saved} onClose={() => setOpen(undefined)} /> : null}
      {open === 'releases' ? <Releases kind="workflows" slug={slug} onRestored={onVersion} onClose={() => setOpen(undefined)} /> : null}
    </div>
  )
}

/** Faults of the document, at the blocks that have them. */
function faultsByBlock(problem: unknown): Record<string, BlockMark> {
  const marks: Record<string, BlockMark> = {}
  for (const fault of problem instanceof ApiProblem ? problem.faults : []) {
    const block = /^blocks\.([A-Za-z0-9_]+)/.exec(fault.path)?.[1]
    if (block) (marks[block] ??= { faults: [] }).faults?.push(fault.message)
  }
  return marks
}
