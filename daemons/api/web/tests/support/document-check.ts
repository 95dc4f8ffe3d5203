/** What must hold of every document that Bulkhead itself makes: the server would refuse it else, or a person would open it and find errors. */
import type { Action, AppDocument } from '../../src/api/types'
import { hidden, loadKinds } from '../../src/builder/component-kinds'
import { overlaps } from '../../src/builder/layout'
import { expressionsIn } from '../../src/document/query-ask'
import { type Expression, type Reference, parseExpression, parseTemplate, references } from '../../src/evaluator/binding'

/** Globals that expressions may read besides the app's own names. */
const globals = new Set([...Object.getOwnPropertyNames(globalThis), 'current_user', 'environment', 'undefined', 'url', 'app', 'storage', 'item', 'i', 'row', 'value'])

/** Names that are no components and queries. */
type Logic = Partial<Record<'scripts' | 'transformers' | 'state', Record<string, unknown>>>

export async function faultsOf(document: AppDocument): Promise<string[]> {
  const { scripts = {}, transformers = {}, state = {} } = document as Logic
  const componentKinds = await loadKinds()
  const faults: string[] = []
  const components = new Map(Object.values(document.pages).flatMap((page) => Object.entries(page.components ?? {})))
  const names = new Set([...components.keys(), ...Object.keys(document.queries ?? {}), ...Object.keys(scripts), ...Object.keys(transformers), ...(Object.keys(state).length > 0 ? ['state'] : [])])
  const read = (place: string, found: Reference[]) => {
    for (const { name } of found) if (!names.has(name) && !globals.has(name)) faults.push(`${place}: there is no ${name}`)
  }
  const template = (place: string, text: string) => {
    try {
      for (const part of parseTemplate(text)) if ('program' in part) read(place, references((part as Expression).program))
    } catch (error) {
      faults.push(`${place}: ${String(error)}`)
    }
  }
  const texts = (place: string, value: unknown): void => {
    if (typeof value === 'string') template(place, value)
    else if (Array.isArray(value)) value.forEach((item, index) => texts(`${place}.${index}`, item))
    else if (typeof value === 'object' && value !== null) for (const [key, item] of Object.entries(value)) texts(`${place}.${key}`, item)
  }
  const action = (place: string, done: Action) => {
    if ('query' in done && !document.queries?.[done.query] && !(done.query in scripts)) faults.push(`${place}: there is no query ${done.query}`)
    if ('component' in done && !components.has(done.component)) faults.push(`${place}: there is no component ${done.component}`)
    texts(place, done)
  }
  if (!document.pages[document['home-page']]) faults.push('there is no home page')
  for (const [pageName, page] of Object.entries(document.pages)) {
    const layout = page.layout ?? {}
    for (const [name, component] of Object.entries(page.components ?? {})) {
      const place = `${pageName}.${name}`
      if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(name)) faults.push(`${place}: no name`)
      if (document.queries?.[name]) faults.push(`${place}: a query has this name`)
      const kind = componentKinds[component.type]
      if (!kind) faults.push(`${place}: the kind ${component.type} is unknown`)
      const known = [...(kind?.properties ?? []), hidden].map(({ key }) => key)
      for (const [key, value] of Object.entries(component.properties ?? {})) {
        if (kind && !known.includes(key)) faults.push(`${place}: ${component.type} has no property ${key}`)
        texts(`${place}.${key}`, value)
      }
      for (const handler of component.events ?? []) {
        if (kind && !kind.events.some(([event]) => event === handler.on)) faults.push(`${place}: ${component.type} has no event ${handler.on}`)
        action(place, handler.action)
      }
      const rect = layout[name]
      if (!rect) faults.push(`${place}: has no place`)
      else if (rect.width < 1 || rect.height < 1 || rect.column + rect.width > 24 || rect.height > 500) faults.push(`${place}: stands outside of the grid`)
      if (rect?.parent && componentKinds[page.components?.[rect.parent]?.type ?? '']?.group !== 'Containers') faults.push(`${place}: ${rect.parent} holds nothing`)
    }
    const placed = Object.entries(layout)
    for (const [index, [name, rect]] of placed.entries()) {
      if (!page.components?.[name]) faults.push(`${pageName}.${name}: a place without a component`)
      for (const [other, otherRect] of placed.slice(index + 1)) if (overlaps(rect, otherRect)) faults.push(`${pageName}: ${name} and ${other} overlap`)
    }
  }
  for (const [name, query] of Object.entries(document.queries ?? {})) {
    if (query.change && query.run !== 'manual') faults.push(`${name}: a change runs by itself`)
    if (query.statement) template(name, query.statement)
    const { expressions } = await expressionsIn(query, (text) => Promise.resolve({ expressions: parseTemplate(text).flatMap((part) => ('source' in part ? [part.source] : [])) }))
    for (const expression of expressions) {
      try {
        read(name, references(parseExpression(expression).program))
      } catch (error) {
        faults.push(`${name}: ${String(error)}`)
      }
    }
    if (query.confirm) template(`${name}.confirm`, query.confirm)
    for (const done of query['on-success'] ?? []) action(`${name}.on-success`, done)
  }
  return faults
}
