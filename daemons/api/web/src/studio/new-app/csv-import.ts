/** The work behind an app from a CSV file: the app, the table, its rows part by part. It can be gone on with where it failed. */
import { useRef, useState } from 'react'
import { api, dataOf, wholeResult } from '../../api/client'
import type { ResourceQuery } from '../../api/types'
import { type Batch, type Plan, bulkChange, continueStatement, createStatement, tableOf } from '../../generate/csv-table'
import { crudApp } from '../../generate/crud'
import type { Dialect } from '../../generate/dialect'
import { createApp } from './NewApp'

export interface CsvImport {
  slug: string
  title: string
  resource: string
  dialect: Dialect
  table: string
  plan: Plan
  batches: Batch[]
}

interface State {
  step: 'none' | 'naming' | 'table' | 'rows' | 'done'
  written: number
}

export function useCsvImport() {
  const [state, setState] = useState<State>({ step: 'none', written: 0 })
  /** Batches that are written. */
  const done = useRef(0)
  const has = useRef({ app: false, table: false })

  const run = async (work: CsvImport): Promise<void> => {
    const { slug, title, resource, dialect, table, plan, batches } = work
    const ask = async (query: Omit<ResourceQuery, 'resource'>, parameters: Record<string, unknown> = {}) => {
      const body = { query: { ...query, resource }, parameters }
      wholeResult(await dataOf(api.POST('/api/v1/apps/{slug}/queries/run', { params: { path: { slug } }, body })))
    }
    if (!has.current.app) {
      setState({ step: 'naming', written: 0 })
      await createApp({ slug, title }, crudApp({ resource, dialect, title, table: tableOf('', table, plan, dialect) }).document)
      has.current.app = true
    }
    if (!has.current.table) {
      setState({ step: 'table', written: 0 })
      try {
        await ask({ statement: createStatement(dialect, table, plan), mode: 'write' })
      } catch (error) {
        // The app over a table that is not there is of no use to anybody.
        await api.DELETE('/api/v1/apps/{slug}', { params: { path: { slug } }, headers: { 'content-type': 'application/json' } }).catch(() => {})
        has.current.app = false
        setState({ step: 'none', written: 0 })
        throw error
      }
      has.current.table = true
    }
    for (let batch = batches[done.current]; batch; batch = batches[done.current]) {
      setState({ step: 'rows', written: batches[done.current - 1]?.upTo ?? 0 })
      // Each row has its key: a part that was written though its answer was lost is written again as it is.
      await ask({ change: bulkChange(table, '', plan), mode: 'write', statement: '' }, { rows: batch.rows })
      done.current += 1
    }
    const total = batches.at(-1)?.upTo ?? 0
    const goesOn = continueStatement(dialect, table, plan, total)
    if (goesOn) await ask({ statement: goesOn, mode: 'write' })
    setState({ step: 'done', written: total })
  }
  return { state, run, reset: () => setState({ step: 'none', written: 0 }) }
}
