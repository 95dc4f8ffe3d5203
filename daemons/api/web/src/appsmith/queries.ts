/** Queries of Appsmith: SQL and requests. What a plugin here has no kind of resource for is told. */
import type { AppQuery } from '../api/types'
import { type Names, translateExpression, translateTemplate } from './expressions'
import { withWholeTexts } from './sql'
import { type Json, type SourceQuery, isJson, textIn } from './source'

interface Made {
  query: AppQuery | undefined
  problems: string[]
}

const sqlPlugins = /postgres|mysql|mssql|redshift|snowflake|oracle/i
const restPlugins = /restapi|rest-api/i
const mostTimeout = 120_000

/** `Orders DB` -> `orders-db`: the name of a resource. */
export function resourceName(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '')
  return (plain === '' ? 'resource' : /^\d/.test(plain) ? `r-${plain}` : plain).slice(0, 63).replace(/-$/, '')
}

export function makeQuery(source: SourceQuery, names: Names): Made {
  const limits = source.timeoutMs && source.timeoutMs !== 10_000 ? { limits: { 'timeout-ms': Math.min(mostTimeout, source.timeoutMs), 'max-rows': 10_000, 'max-bytes': 16_777_216 } } : {}
  const common = { resource: resourceName(source.datasource), ...(source.confirms ? { confirm: `Run ${source.name}?` } : {}), ...limits }
  if (sqlPlugins.test(source.plugin)) return sqlQuery(source, common, names)
  if (restPlugins.test(source.plugin)) return restQuery(source, common, names)
  return { query: undefined, problems: [`queries of the plugin \`${source.plugin || 'unknown'}\` are not translated: write it anew on a resource that fits`] }
}

type Common = Pick<AppQuery, 'resource'> & Partial<AppQuery>

function sqlQuery(source: SourceQuery, common: Common, names: Names): Made {
  const problems: string[] = []
  const { text: translated, problems: found } = translateTemplate(textIn(source.settings, 'body').replace(/this\.params\./g, 'args.'), names)
  problems.push(...found)
  // Quotes around a binding belong to text that is put together; here each binding is a parameter.
  const whole = withWholeTexts(translated, /mysql|maria/i.test(source.plugin) ? 'mysql' : /mssql/i.test(source.plugin) ? 'sql-server' : 'postgresql')
  if ('stuck' in whole) return { query: undefined, problems: [`\`${whole.stuck}\` stands within a quoted name or text, where no value can be bound: write the query anew, without it`] }
  const text = whole.statement
  const templates = source.settings.pluginSpecifiedTemplates
  const isPrepared = !Array.isArray(templates) || !isJson(templates[0]) || templates[0].value !== false
  if (!isPrepared && text.includes('{{')) problems.push('its bindings were put into the text of the statement: here each is a parameter, so names of tables and columns cannot be bound')
  const isWrite = !/^\s*(--[^\n]*\n\s*)*(select|with|show|explain|table|values)\b/i.test(text) || /\b(insert\s+into|update\s+\S+\s+set|delete\s+from)\b/i.test(text)
  const statement = text.trim().replace(/;\s*$/, '')
  if (statement === '') return { query: undefined, problems: ['it has no statement'] }
  return { query: { ...common, statement, mode: isWrite ? 'write' : 'read', run: source.runsOnLoad && !isWrite ? 'automatic' : 'manual' }, problems }
}

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])

function restQuery(source: SourceQuery, common: Common, names: Names): Made {
  const problems: string[] = []
  const translate = (text: string) => {
    const { text: written, problems: found } = translateTemplate(text.replace(/this\.params\./g, 'args.'), names)
    problems.push(...found)
    return written
  }
  const { settings } = source
  const method = textIn(settings, 'httpMethod').toUpperCase() || 'GET'
  if (!methods.has(method)) return { query: undefined, problems: [`the method \`${method}\` is not there`] }
  const pairs = (key: string) => {
    const listed = Array.isArray(settings[key]) ? settings[key].filter(isJson) : []
    return listed.flatMap((pair) => (textIn(pair, 'key') === '' ? [] : [{ name: textIn(pair, 'key'), value: translate(textIn(pair, 'value')) }]))
  }
  const body = textIn(settings, 'body')
  // What proves who asks belongs to the resource, and the body says itself what it is.
  const headers = pairs('headers').filter(({ name }) => !/^(authorization|cookie|content-type)$/i.test(name))
  const operation: Json = { do: 'request', method, path: translate(textIn(settings, 'path')) || '/', ...nonEmpty('query', pairs('queryParameters')), ...nonEmpty('headers', headers) }
  if (body.trim() !== '' && method !== 'GET' && method !== 'HEAD') operation.body = bodyOf(body, names, problems)
  const reads = method === 'GET' || method === 'HEAD'
  return { query: { ...common, operation: operation as unknown as NonNullable<AppQuery['operation']>, mode: reads ? 'read' : 'write', run: source.runsOnLoad && reads ? 'automatic' : 'manual' } as AppQuery, problems }
}

function nonEmpty(key: string, pairs: { name: string; value: string }[]): Json {
  return pairs.length > 0 ? { [key]: pairs } : {}
}

function bodyOf(text: string, names: Names, problems: string[]): Json {
  const whole = /^\s*\{\{([\s\S]*)\}\}\s*$/.exec(text)?.[1]
  if (whole !== undefined && !whole.includes('{{')) {
    const { text: written, problems: found } = translateExpression(whole.trim(), names)
    problems.push(...found)
    return { as: 'json', json: `{{ ${written} }}` }
  }
  const { text: written, problems: found } = translateTemplate(text, names)
  problems.push(...found)
  try {
    return { as: 'json', json: JSON.parse(written) as unknown }
  } catch {
    return { as: 'text', text: written, 'content-type': 'application/json' }
  }
}
