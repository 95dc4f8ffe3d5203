/** Functions of the workflow: code and statements with parameters that its code blocks call. */
import { useQuery } from '@tanstack/react-query'
import { CircleAlert, Database, SquareCode } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { ApiProblem } from '../../api/problem'
import type { WorkflowDocument, WorkflowFunction } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { askText } from '../../document/query-ask'
import { resourcesQuery } from '../../studio/lists'
import { Button } from '../../ui/Button'
import { PartCard } from '../PartCard'
import { PartName } from '../PartName'
import { addFunction, removeFunction, renameFunction, setFunction } from '../edits'
import { FunctionFields } from './FunctionFields'
import { FunctionRunner } from './FunctionRunner'
import { callOf, completionsOf } from './calls'

interface Props {
  slug: string
  store: DraftStore<WorkflowDocument>
}

export function Functions({ slug, store }: Props) {
  const functions = Object.entries(useStore(store, (state) => state.document.functions) ?? {})
  const resources = useQuery(resourcesQuery).data ?? []
  const [opened, setOpened] = useState<string>()
  const add = (added: WorkflowFunction) => {
    let name = ''
    store.edit((draft) => {
      name = addFunction(draft, added)
    })
    setOpened(name)
  }
  return (
    <div className="panel-section">
      <header>
        <h3>Functions</h3>
        <span className="row wrap">
          <Button size="small" icon={SquareCode} onClick={() => add({ type: 'code', parameters: ['value'], language: 'javascript', source: 'return value\n' })}>
            Add code
          </Button>
          <Button size="small" icon={Database} onClick={() => add({ type: 'query', parameters: ['id'], resource: resources[0]?.name ?? '', statement: 'select {{ id }} as id' })}>
            Add query
          </Button>
        </span>
      </header>
      {functions.length === 0 ? <p className="muted">A function is written once and called from many code blocks, with parameters.</p> : null}
      {functions.map(([name, one], index) => (
        <FunctionCard
          // By its place: a new name must not take the focus away.
          key={index}
          slug={slug}
          name={name}
          one={one}
          store={store}
          isOpen={opened === name}
          onToggle={(isOpen) => setOpened((current) => (isOpen ? name : current === name ? undefined : current))}
          onRenamed={setOpened}
        />
      ))}
    </div>
  )
}

interface CardProps extends Props {
  name: string
  one: WorkflowFunction
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
  onRenamed: (name: string) => void
}

function FunctionCard({ slug, name, one, store, isOpen, onToggle, onRenamed }: CardProps) {
  const problem = useStore(store, (state) => state.problem)
  const document = useStore(store, (state) => state.document)
  const functions = one.type === 'code' ? completionsOf(document, one.language) : []
  const path = `functions.${name}`
  const faults = problem instanceof ApiProblem ? problem.faults.filter((fault) => fault.path === path || fault.path.startsWith(`${path}.`)) : []
  const rename = async (typed: string) => {
    const { rewriteCalls } = await import('../rewrite')
    store.edit((draft) => renameFunction(draft, name, typed, rewriteCalls(store.getState().document, name, typed)))
    onRenamed(typed)
  }
  return (
    <PartCard
      name={name}
      icon={one.type === 'query' ? Database : SquareCode}
      summary={summaryOf(one)}
      isFaulty={faults.length > 0}
      isOpen={isOpen}
      onToggle={onToggle}
      onRemove={() => store.edit((draft) => removeFunction(draft, name))}
    >
      {faults.map((fault) => (
        <div key={fault.path + fault.message} className="notice red" role="alert">
          <CircleAlert className="icon" aria-hidden />
          {fault.message}
        </div>
      ))}
      <PartName
        name={name}
        hint="Code that calls it is rewritten when it gets another name."
        problemOf={(typed) => (typed in { ...document.functions, ...document.queries } ? 'Another function or query has this name.' : undefined)}
        onRename={(typed) => void rename(typed)}
      />
      <FunctionFields one={one} functions={functions} change={(next, key) => store.edit((draft) => setFunction(draft, name, next), key && `function.${name}.${key}`)} />
      <p className="muted">
        Called as <code>{callOf(name, one)}</code>
      </p>
      <FunctionRunner slug={slug} name={name} one={one} store={store} />
    </PartCard>
  )
}

function summaryOf(one: WorkflowFunction): string {
  if (one.type === 'code') return one.language === 'python' ? 'Python' : 'JavaScript'
  return askText(one)
}
