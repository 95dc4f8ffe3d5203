/** Reads a file that an app was exported to: here, or by Appsmith. What is wrong with it is said with its place. */
import type { AppDocument } from '../api/types'

export const maxAppFileBytes = 8 * 1024 * 1024

/** The newest version of the format that this build writes. */
const knownFormat = 1

export type AppFile = { kind: 'own'; document: AppDocument } | { kind: 'appsmith'; value: unknown }

export class AppFileError extends Error {}

export function readAppFile(text: string): AppFile {
  if (text.length > maxAppFileBytes) throw new AppFileError(`The file is larger than ${maxAppFileBytes / 1024 / 1024} MB, which no app is.`)
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new AppFileError(`The file is no JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
  if (!isObject(value)) throw new AppFileError('The file is JSON, but no app: an app is an object.')
  if ('exportedApplication' in value || isObject(value.dsl)) return { kind: 'appsmith', value }
  if ('nodes' in value && 'connections' in value) throw new AppFileError('This is a workflow of n8n: import it under Workflows.')
  if ('blocks' in value && 'triggers' in value) throw new AppFileError('This is a workflow: it belongs under Workflows.')
  return { kind: 'own', document: ownDocument(value) }
}

function ownDocument(value: Record<string, unknown>): AppDocument {
  const missing = ['format', 'title', 'home-page', 'pages'].filter((key) => !(key in value))
  if (missing.length > 0) throw new AppFileError(`This is no app: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`)
  if (typeof value.format !== 'number') throw new AppFileError('format: must be a number.')
  if (value.format > knownFormat) throw new AppFileError(`format: ${value.format} was written by a newer Bulkhead; this one reads up to ${knownFormat}.`)
  if (typeof value.title !== 'string') throw new AppFileError('title: must be a text.')
  if (!isObject(value.pages)) throw new AppFileError('pages: must be an object with a page for each name.')
  for (const [name, page] of Object.entries(value.pages)) {
    if (!isObject(page)) throw new AppFileError(`pages.${name}: must be an object.`)
    for (const part of ['components', 'layout', 'phone-layout']) {
      if (part in page && !isObject(page[part])) throw new AppFileError(`pages.${name}.${part}: must be an object.`)
    }
  }
  // All else is the server's to check, by the same types that it saves by.
  return value as unknown as AppDocument
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The resources that an app's queries name. */
export function resourcesOf(document: AppDocument): string[] {
  return [...new Set(Object.values(document.queries ?? {}).map(({ resource }) => resource).filter(Boolean))].sort()
}

/** The same app with its queries on other resources. */
export function onResources(document: AppDocument, chosen: Record<string, string>): AppDocument {
  const queries = Object.fromEntries(Object.entries(document.queries ?? {}).map(([name, query]) => [name, { ...query, resource: chosen[query.resource] || query.resource }]))
  return { ...document, queries }
}
