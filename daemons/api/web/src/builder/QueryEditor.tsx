/** One query: where it runs, when, its statement or change, and the result or the plan of running it as it stands. */
import { Play } from 'lucide-react'
import { Suspense, lazy, useEffect, useRef, useState } from 'react'
import { useStore } from 'zustand'
import { useShallow } from 'zustand/react/shallow'
import { api, dataOf, wholeResult } from '../api/client'
import { ApiProblem, messageOf } from '../api/problem'
import type { AppDocument, AppQuery, Plan, QueryResult, ResourceQuery } from '../api/types'
import { useRuntime } from '../components/runtime-context'
import type { DraftStore } from '../document/draft-store'
import { canBeCut, isWrite, wayOf } from '../document/query-ask'
import { AskEditor, AskFields } from '../ui/AskFields'
import { Button } from '../ui/Button'
import { ExplainButton } from '../ui/ExplainButton'
import { ExportButton } from '../ui/ExportButton'
import { SelectField } from '../ui/Field'
import type { EditorFault } from '../ui/code-mirror'
import { inEnvironment } from '../ui/environment'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { NameField } from './Inspector'
import { completionsAt } from './assist/complete'
import { valuesNow } from './assist/values'
import { pagedTables, pagesFor, removeQuery } from './edits'
import { AppCodeEditor } from './logic/AppCodeEditor'
import { FlowFields } from './logic/FlowFields'
import { RemoveButton } from './logic/RemoveButton'
import { cutQuery, exportPath, statementOf } from './use-builder-runtime'

// They come with the first result.
const PlanView = lazy(async () => ({ default: (await import('../ui/PlanView')).PlanView }))
const ResultGrid = lazy(async () => ({ default: (await import('../ui/ResultGrid')).ResultGrid }))
const QueryPrivacy = lazy(() => import('./QueryPrivacy').then((module) => ({ default: module.QueryPrivacy })))

interface Props {
  slug: string
  name: string
  query: AppQuery
  store: DraftStore<AppDocument>
  onRenamed: (name: string) => void
  onRemoved: () => void
}

export function QueryEditor({ slug, name, query, store, onRenamed, onRemoved }: Props) {
  const runtime = useRuntime()
  const [shown, setShown] = useState<{ result?: QueryResult; plan?: Plan }>({})
  const [problem, setProblem] = useState<unknown>()
  const [doing, setDoing] = useState<'run' | 'explain'>()
  const running = useRef<AbortController>(null)
  useEffect(() => () => running.current?.abort(), [])
  const change = (part: Partial<AppQuery>, key?: string) =>
    store.edit((draft) => {
      const target = draft.queries?.[name]
      if (target) Object.assign(target, part)
    }, key && `${name}.${key}`)
  /** The query as it stands, with its values as they are now. */
  const bodyNow = async () => {
    const current = store.getState().document.queries?.[name] ?? query
    const { expressions, error } = await cutQuery(runtime, current)
    if (error) throw new Error(error)
    const { values, missing } = await runtime.valuesOf(expressions)
    if (missing) throw new Error(missing)
    return { query: statementOf(current), parameters: values }
  }
  const ask = async (what: 'run' | 'explain', send: (body: { query: ResourceQuery; parameters: Record<string, unknown> }, signal: AbortSignal) => Promise<typeof shown>) => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    setDoing(what)
    setProblem(undefined)
    try {
      setShown(await send(await bodyNow(), controller.signal))
    } catch (error) {
      if (controller.signal.aborted) return
      setShown({})
      setProblem(error)
    } finally {
      if (running.current === controller) setDoing(undefined)
    }
  }
  const params = { path: { slug } }
  const run = () => ask('run', async (body, signal) => ({ result: wholeResult(await dataOf(api.POST('/api/v1/apps/{slug}/queries/run', { params, body: { ...body, ...inEnvironment() }, signal }))) }))
  const explain = (analyze: boolean) => ask('explain', async (body, signal) => ({ plan: await dataOf(api.POST('/api/v1/apps/{slug}/queries/explain', { params, body: { ...body, analyze, ...inEnvironment() }, signal })) }))
  const position = problem instanceof ApiProblem ? problem.position : undefined
  const faults: EditorFault[] = problem && position !== undefined ? [{ message: messageOf(problem), position }] : []
  return (
    <>
      <div className="drawer-editor">
        <AskEditor
          ask={query}
          change={(part, key) => change(asked(query, part), key)}
          formClass="drawer-form compact"
          label={`Statement of ${name}`}
          onRun={() => void run()}
          faults={faults}
          complete={(before) => completionsAt(before, false, valuesNow(runtime), undefined, runtime.texts().texts)}
          placeholderText="select * from customers where name ilike '%' || {{ search.value }} || '%'"
        />
        <div className="drawer-run">
          <Button variant="primary" size="small" icon={Play} isBusy={doing === 'run'} onClick={() => void run()}>
            Run query
          </Button>
          <ExportButton ask={query} prepare={async (format) => ({ path: exportPath(slug), body: { ...(await bodyNow()), ...inEnvironment() }, format, name })} />
          <ExplainButton ask={query} isBusy={doing === 'explain'} onExplain={(analyze) => void explain(analyze)} />
          <span className="muted">
            <kbd>Ctrl Enter</kbd>
          </span>
        </div>
      </div>
      <div className="drawer-result" aria-live="polite">
        {problem ? <ErrorNotice error={problem} /> : null}
        <Suspense fallback={<SkeletonRows count={4} />}>
          {shown.plan ? <PlanView label={`Plan of ${name}`} plan={shown.plan} /> : null}
          {shown.result ? <ResultGrid label={`Result of ${name}`} result={shown.result} /> : shown.plan || problem ? null : <p className="muted">Run the query to see its rows here.</p>}
        </Suspense>
      </div>
      <QuerySettings name={name} query={query} store={store} change={change} onRenamed={onRenamed} onRemoved={onRemoved} />
    </>
  )
}

/** Which table the database cuts pages for. */
function PagesField({ query, store, change }: { query: AppQuery; store: DraftStore<AppDocument>; change: (part: Partial<AppQuery>) => void }) {
  const tables = useStore(store, useShallow(({ document }) => pagedTables(document)))
  if (!canBeCut(query) || (tables.length === 0 && !query.pages)) return null
  const current = query.pages ? (tables.find((table) => query.pages?.size === pagesFor(table).size && query.pages.offset === pagesFor(table).offset) ?? 'own') : ''
  const options = [['', 'No, the statement brings its rows'], ...tables.map((table) => [table, `For ${table}`] as const), ...(current === 'own' ? [['own', 'By expressions of its own'] as const] : [])] as const
  return (
    <SelectField label="The database cuts pages" value={current} options={options} hint="The statement needs ORDER BY, and no LIMIT." onChange={({ target }) => target.value !== 'own' && change({ pages: target.value === '' ? null : pagesFor(target.value) })} />
  )
}

const byEvent = ['manual', 'When an event asks'] as const

/** A change of what is asked: a query that becomes a write runs by itself no more. */
function asked(query: AppQuery, part: Partial<AppQuery>): Partial<AppQuery> {
  return isWrite({ ...query, ...part }) ? { ...part, run: 'manual' } : part
}

function QuerySettings({ name, query, store, change, onRenamed, onRemoved }: Omit<Props, 'slug'> & { change: (part: Partial<AppQuery>, key?: string) => void }) {
  const onlyAsked = isWrite(query) && wayOf(query) !== 'sql'
  return (
    <div className="drawer-settings compact">
      <NameField name={name} store={store} onRenamed={onRenamed} />
      <AskFields ask={query} change={(part, key) => change(asked(query, part), key)} />
      <PagesField query={query} store={store} change={change} />
      <SelectField label="Runs" value={query.run ?? 'automatic'} options={onlyAsked ? [byEvent] : [['automatic', 'By itself, when a value changes'], ['load', 'When the page opens'], byEvent]} onChange={({ target }) => change({ run: target.value as 'load' })} />
      <div className="field">
        <span className="label">Transformer of its data</span>
        <AppCodeEditor isShort label={`Transformer of ${name}`} placeholderText="data.map((row) => row.name)" value={query.transform ?? ''} onChange={(code) => change({ transform: code.trim() === '' ? null : code }, 'transform')} />
        <p className="hint">JavaScript that makes {name}.data of what came, which it reads as data.</p>
      </div>
      <FlowFields name={name} flow={query} mayRepeat={!isWrite(query)} store={store} change={change} />
      <Suspense>
        <QueryPrivacy name={name} query={query} store={store} change={change} />
      </Suspense>
      <RemoveButton text="Delete query" store={store} remove={(draft) => removeQuery(draft, name)} onRemoved={onRemoved} />
    </div>
  )
}
