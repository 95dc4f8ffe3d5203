/** The running app on the builder's canvas: it follows the edited document. */
import { useEffect, useState } from 'react'
import { api, dataOf, wholeResult } from '../api/client'
import type { AppDetail, AppDocument, AppQuery, Flow, ResourceQuery, Session } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { ownName } from '../document/module-names'
import { expressionsIn, isWrite } from '../document/query-ask'
import { languagesFor } from '../runtime/languages'
import { type RuntimeQuery, scriptQueries } from '../runtime/model'
import { AppRuntime } from '../runtime/runtime'
import { browserStorage } from '../runtime/storage'
import { watch } from './debug/watched'
import { ask } from '../ui/ask'
import { inEnvironment, visibleEnvironment } from '../ui/environment'
import { notify } from '../ui/toasts'

/** Typing in the inspector settles for this long before the canvas follows. */
const settleMs = 120

export function statementOf(query: AppQuery): ResourceQuery {
  const { resource, statement, statements, change, operation, library, mode, limits, pages } = query
  const asked = library ? { library } : change ? { change } : operation ? { operation } : statements?.length ? { statements } : { statement: statement ?? '' }
  return { resource, ...asked, ...(mode ? { mode } : {}), ...(limits ? { limits } : {}), ...(pages ? { pages } : {}) }
}

/** Where a query of an app is exported as it stands in the builder. */
export function exportPath(slug: string): string {
  return `/api/v1/apps/${encodeURIComponent(slug)}/queries/export`
}

/** The expressions whose values a query needs. */
export async function cutQuery(runtime: AppRuntime, query: AppQuery): Promise<{ expressions: string[]; error?: string }> {
  return expressionsIn(query, (text) => runtime.cut(text))
}

export function useBuilderRuntime({ slug, environments }: AppDetail, store: DraftStore<AppDocument>, session: Session): AppRuntime | undefined {
  const [runtime, setRuntime] = useState<AppRuntime>()
  useEffect(() => {
    const created = createRuntime(slug, store, session, environments)
    let timer: ReturnType<typeof setTimeout> | undefined
    let isClosed = false
    const follow = async () => {
      const { document } = store.getState()
      const queries = await runtimeQueries(created, document)
      if (!isClosed && store.getState().document === document) created.update({ ...withItself(document), queries })
    }
    void follow()
    const stop = store.subscribe((now, before) => {
      if (now.document === before.document) return
      clearTimeout(timer)
      timer = setTimeout(() => void follow(), settleMs)
    })
    setRuntime(created)
    return () => {
      isClosed = true
      clearTimeout(timer)
      stop()
      created.close()
    }
  }, [slug, store, session, environments])
  return runtime
}

function createRuntime(slug: string, store: DraftStore<AppDocument>, session: Session, environments: AppDetail['environments']): AppRuntime {
  const { document } = store.getState()
  const { id, email, name, is_admin, groups } = session.user
  return new AppRuntime(
    // Its queries follow as soon as their statements are cut.
    { ...withItself(document), queries: {} },
    {
      globals: { current_user: { id, email, name, is_admin, groups }, environment: visibleEnvironment(environments) },
      languages: languagesFor(slug),
      // Apart from what the released app keeps.
      storage: browserStorage(`${slug}.draft`, id),
      runsAll: true,
      confirm: (question) => ask({ title: store.getState().document.title, text: question, confirm: 'Continue' }),
      notify,
      ...watch(),
      runWorkflow: async (workflow, body) => {
        await dataOf(api.POST('/api/v1/workflows/{slug}/runs', { params: { path: { slug: workflow } }, body: { body, ...inEnvironment() } }))
      },
      exportQuery: async (queryName, parameters, format, onBytes, signal) => {
        const { exportRows } = await import('../api/export')
        const query = store.getState().document.queries?.[queryName]
        if (!query) throw new Error(`The query ${queryName} was removed.`)
        return exportRows({ path: exportPath(slug), body: { query: statementOf(query), parameters, ...inEnvironment() }, format, name: queryName }, onBytes, signal)
      },
      runQuery: async (queryName, parameters, signal) => {
        const query = store.getState().document.queries?.[queryName]
        if (!query) throw new Error(`The query ${queryName} was removed.`)
        const answer = api.POST('/api/v1/apps/{slug}/queries/run', { params: { path: { slug } }, body: { query: statementOf(query), parameters, ...inEnvironment() }, signal })
        return wholeResult(await dataOf(answer))
      },
    },
  )
}

/** A module with its inputs and outputs as an app sees them: what it reads as `module.name`. */
function withItself(document: AppDocument): AppDocument {
  if (!document.module) return document
  const { inputs = {}, outputs = {} } = document.module
  const home = document['home-page']
  const page = document.pages[home] ?? {}
  const properties = { ...Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.default ?? null])), ...outputs }
  return { ...document, pages: { ...document.pages, [home]: { ...page, components: { ...page.components, [ownName]: { type: 'module', properties } } } } }
}

async function runtimeQueries(runtime: AppRuntime, document: AppDocument): Promise<Record<string, RuntimeQuery>> {
  const entries = Object.entries(document.queries ?? {}).map(async ([name, query]): Promise<[string, RuntimeQuery]> => {
    const { expressions } = await cutQuery(runtime, query)
    const writes = isWrite(query)
    return [
      name,
      {
        expressions: [...new Set(expressions)],
        mode: writes ? 'write' : 'read',
        'is-exportable': !writes && !query.operation,
        'is-paged': Boolean(query.pages),
        // What changes data is never run by editing.
        run: writes ? 'manual' : (query.run ?? 'automatic'),
        ...flowOf(query),
        ...(query.transform ? { transform: query.transform } : {}),
        fingerprint: `${query.resource}\n${JSON.stringify(query.library ?? query.change ?? query.operation ?? (query.statements?.length ? query.statements : [query.statement, query.pages]))}`,
      },
    ]
  })
  return { ...Object.fromEntries(await Promise.all(entries)), ...scriptQueries(document.scripts) }
}

/** What queries and scripts have in common. */
function flowOf({ confirm, when, refresh, 'delay-ms': delay, 'every-seconds': every, 'on-success': success, 'on-failure': failure }: Flow): Flow {
  const flow: Flow = { confirm, when, refresh, 'delay-ms': delay, 'every-seconds': every, 'on-success': success, 'on-failure': failure }
  return Object.fromEntries(Object.entries(flow).filter(([, value]) => value !== undefined && value !== null))
}
