/** One query of the library: what is asked, its parameters, trying it out, saving and releasing. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Network, Play } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf, wholeResult } from '../api/client'
import { ApiProblem, messageOf } from '../api/problem'
import type { LibraryQuery, LibraryQueryDetail } from '../api/types'
import { parseJson } from '../document/json-text'
import { AskEditor, AskFields } from '../ui/AskFields'
import { Badge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { TextAreaField, TextField } from '../ui/Field'
import { ExportButton } from '../ui/ExportButton'
import { ResultGrid } from '../ui/ResultGrid'
import { ask } from '../ui/ask'
import type { EditorFault } from '../ui/code-mirror'
import { ErrorNotice, ErrorState, SkeletonRows } from '../ui/states'
import { notify } from '../ui/toasts'
import { EnvironmentField } from './EnvironmentField'
import { PageHead } from './PageHead'
import { QueryParameters } from './QueryParameters'
import { Usage } from './Usage'

const route = getRouteApi('/frame/queries/$slug')
const parent = { to: '/queries', text: 'Queries' } as const

export function QueryPage() {
  const { slug } = route.useParams()
  const query = useQuery({ queryKey: ['library-query', slug], queryFn: () => dataOf(api.GET('/api/v1/queries/{slug}', { params: { path: { slug } } })), staleTime: Number.POSITIVE_INFINITY, gcTime: 0 })
  if (query.isSuccess) return <Loaded key={slug} query={query.data} />
  return (
    <>
      <PageHead title={slug} parent={parent} />
      {query.isError ? <ErrorState error={query.error} onRetry={() => void query.refetch()} /> : <SkeletonRows />}
    </>
  )
}

function Loaded({ query: { slug, draft, draft_revision: begun, released_version: released } }: { query: LibraryQueryDetail }) {
  const queryClient = useQueryClient()
  const [document, setDocument] = useState<LibraryQuery>(draft)
  const [saved, setSaved] = useState({ document: draft, revision: begun })
  const [version, setVersion] = useState(released ?? undefined)
  const [isUsed, setUsed] = useState(false)
  const params = { path: { slug } }
  const change = (part: Partial<LibraryQuery>) => setDocument((before) => ({ ...before, ...part }))
  const persist = async () => {
    if (document === saved.document) return saved.revision
    const { revision } = await dataOf(api.PUT('/api/v1/queries/{slug}/draft', { params, body: { revision: saved.revision, document } }))
    setSaved({ document, revision })
    await queryClient.invalidateQueries({ queryKey: ['queries'] })
    return revision
  }
  const save = useMutation({ meta: { showsError: true }, mutationFn: persist })
  const release = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const revision = await persist()
      const send = (break_users: boolean) => dataOf(api.POST('/api/v1/queries/{slug}/releases', { params, body: { revision, break_users } }))
      try {
        return await send(false)
      } catch (problem) {
        if (!(problem instanceof ApiProblem && problem.code === 'breaks-users')) throw problem
        const places = problem.faults.slice(0, 5).map((fault) => `${fault.path}: ${fault.message}`)
        const isWanted = await ask({ title: 'This breaks what uses the query', text: [...places, ...(problem.faults.length > 5 ? [`and ${problem.faults.length - 5} more`] : [])].join('\n'), confirm: 'Release all the same', isDanger: true })
        return isWanted ? send(true) : undefined
      }
    },
    onSuccess: async (done) => {
      if (!done) return
      setVersion(done.version)
      notify(`Version ${done.version} is the latest release: whatever follows it uses it from now on.`)
      await queryClient.invalidateQueries({ queryKey: ['queries'] })
    },
  })
  const problem = release.error ?? save.error
  return (
    <>
      <PageHead title={document.title} parent={parent}>
        {version ? <Badge tone="green">Version {version}</Badge> : <Badge>Never released</Badge>}
        <Button variant="ghost" icon={Network} label="What uses it" onClick={() => setUsed(true)} />
        <Button disabled={document === saved.document} isBusy={save.isPending} onClick={() => save.mutate()}>
          Save
        </Button>
        <Button variant="primary" isBusy={release.isPending} onClick={() => release.mutate()}>
          Release
        </Button>
      </PageHead>
      <div className="page-body stack">
        <ErrorNotice error={problem} />
        <div className="form-grid">
          <TextField label="Title" required maxLength={120} value={document.title} onChange={({ target }) => change({ title: target.value })} />
          <AskFields ask={document.query} isOwn change={(part) => change({ query: { ...document.query, ...part } })} />
        </div>
        <TextAreaField label="Description" rows={2} maxLength={2000} hint="What it is for, and what to know before using it." value={document.description ?? ''} onChange={({ target }) => change({ description: target.value })} />
        <Trial slug={slug} document={document} change={change} />
        <QueryParameters document={document} change={change} />
      </div>
      {isUsed ? <Usage kind="queries" name={slug} title={document.title} onClose={() => setUsed(false)} /> : null}
    </>
  )
}

/** The statement, and running it as it stands with values for its parameters. */
function Trial({ slug, document, change }: { slug: string; document: LibraryQuery; change: (part: Partial<LibraryQuery>) => void }) {
  const [typed, setTyped] = useState<string>()
  const [environment, setEnvironment] = useState<string | null>(null)
  const required = Object.entries(document.parameters ?? {}).filter(([, parameter]) => parameter.default === undefined)
  const text = typed ?? JSON.stringify(Object.fromEntries(required.map(([name]) => [name, null])), null, 2)
  const values = parseJson(text)
  const body = { document, parameters: 'value' in values ? ((values.value ?? {}) as Record<string, unknown>) : {}, ...(environment === null ? {} : { environment }) }
  const run = useMutation({
    meta: { showsError: true },
    mutationFn: async () => wholeResult(await dataOf(api.POST('/api/v1/queries/{slug}/run', { params: { path: { slug } }, body }))),
  })
  const position = run.error instanceof ApiProblem ? run.error.position : undefined
  const faults: EditorFault[] = position === undefined ? [] : [{ message: messageOf(run.error), position }]
  return (
    <>
      <AskEditor ask={document.query} change={(part) => change({ query: { ...document.query, ...part } })} formClass="panel-section" editorClass="library-statement" label="Statement" faults={faults} onRun={() => run.mutate()} placeholderText="select * from orders where customer_id = {{ customer }}" />
      <div className="form-grid">
        <TextAreaField label="Try it with" className="mono" rows={3} hint="Parameters as JSON. What is left out has its default." error={'error' in values ? values.error : undefined} value={text} onChange={({ target }) => setTyped(target.value)} />
        <EnvironmentField label="Environment" value={environment} onChange={setEnvironment} />
      </div>
      <span className="row">
        <Button icon={Play} isBusy={run.isPending} disabled={'error' in values} onClick={() => run.mutate()}>
          Run query
        </Button>
        <ExportButton ask={document.query} isDisabled={'error' in values} prepare={async (format) => ({ path: `/api/v1/queries/${encodeURIComponent(slug)}/export`, body, format, name: slug })} />
      </span>
      <div aria-live="polite">
        <ErrorNotice error={run.error} />
        {run.data ? <ResultGrid label="Result" result={run.data} /> : null}
      </div>
    </>
  )
}
