/** The templates of "New app": whole apps over the tables of the demo, each a document that is fetched when it is chosen. */
import type { AppDocument } from '../api/types'

export interface Template {
  name: string
  title: string
  about: string
}

export const templates: readonly Template[] = [
  { name: 'crud-admin', title: 'Product catalogue', about: 'List, search, add, change and delete the rows of one table.' },
  { name: 'support-desk', title: 'Support desk', about: 'Tickets by status and priority, who asks, and what to do with them.' },
  { name: 'approvals-queue', title: 'Approvals queue', about: 'Requests that wait for a decision, with the facts beside them.' },
  { name: 'dashboard', title: 'Dashboard', about: 'Sales by month, category and customer, for a year and a segment.' },
  { name: 'bulk-editor', title: 'Bulk editor', about: 'Prices of many products changed at once, with a look ahead.' },
  { name: 'data-explorer', title: 'Data explorer', about: 'Any table: its rows, its columns, and how often each value is there.' },
]

const documents = import.meta.glob<AppDocument>('./*.app.json', { import: 'default' })

/** A template's document, with its queries on a resource. */
export async function templateDocument(name: string, resource: string): Promise<AppDocument> {
  const document = await documents[`./${name}.app.json`]?.()
  if (!document) throw new Error(`There is no template ${name}.`)
  const queries = Object.fromEntries(Object.entries(document.queries ?? {}).map(([key, query]) => [key, { ...query, resource }]))
  return { ...structuredClone(document), queries }
}
