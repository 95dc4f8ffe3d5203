/**
 * An app of Appsmith as one of ours: pages, widgets with their places, queries, JavaScript, expressions. What is not translated is told.
 *
 * The file is never run: it is parsed, and what comes of it is a document that the server checks as any other.
 */
import type { AppDocument, AppQuery, Component, EventHandler, GridRect, ImportNote } from '../api/types'
import { place } from '../builder/layout'
import { loadKinds } from '../builder/component-kinds'
import type { KindSpec } from '../components/spec'
import { type Around, type MadeAction, translateTrigger } from './actions'
import { type Target, translateTemplate } from './expressions'
import { memberBody, memberKinds, membersOf } from './objects'
import { makeQuery } from './queries'
import { Report } from './report'
import { type Source, type SourcePage, type SourceWidget, readSource } from './source'
import { mappedWidget } from './widgets'

/** Columns of their canvas, and how many of their rows make one of ours. */
const theirColumns = 64
const rowsToOne = 3.6
const columns = 24
const maxRow = 10_000
const maxHeight = 500

/** What a document has besides, which this file writes as the server reads it. */
interface Made extends AppDocument {
  scripts: Record<string, { code: string; run?: 'load' }>
  transformers: Record<string, { code: string }>
  state: Record<string, { initial?: unknown }>
}

export async function importAppsmith(value: unknown): Promise<{ document: AppDocument; report: ImportNote[] }> {
  const source = readSource(value)
  const importer = new Importer(source, await loadKinds())
  return importer.run()
}

class Importer {
  private readonly report = new Report()
  private readonly taken = new Set<string>(['state', 'url', 'current_user', 'environment', 'args', 'notify', 'navigate', 'utils', 'console', 'storage', 'app'])
  private readonly stored = new Map<string, string>()
  private readonly pageNames = new Map<string, string>()
  private readonly document: Made

  constructor(
    private readonly source: Source,
    private readonly kinds: Record<string, KindSpec>,
  ) {
    for (const page of source.pages) this.pageNames.set(page.name, this.freePage(page.name))
    const [home] = this.pageNames.values()
    this.document = { format: 1, title: source.name.slice(0, 120), 'home-page': home ?? 'page', pages: {}, queries: {}, scripts: {}, transformers: {}, state: {} }
  }

  run(): { document: AppDocument; report: ImportNote[] } {
    for (const page of this.source.pages) this.page(page)
    for (const part of ['scripts', 'transformers', 'state'] as const) if (Object.keys(this.document[part]).length === 0) delete (this.document as Partial<Made>)[part]
    this.report.add('changed', undefined, 'Themes, colours and sizes of letters are not taken over: an app here has one theme, under its settings.')
    return { document: this.document, report: this.report.notes }
  }

  private freePage(text: string): string {
    const plain = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+/, '').slice(0, 50) || 'page'
    let name = plain
    for (let number = 2; [...this.pageNames.values()].includes(name); number += 1) name = `${plain}${number}`
    return name
  }

  /** A name that nothing in the app has: names are the page's own there, and the app's here. */
  private free(text: string): string {
    const plain = text.replace(/[^A-Za-z0-9_]+/g, '_').replace(/^[^A-Za-z]+/, '').slice(0, 50) || 'part'
    let name = plain
    for (let number = 2; this.taken.has(name); number += 1) name = `${plain}_${number}`
    this.taken.add(name)
    return name
  }

  private page(page: SourcePage): void {
    const targets = new Map<string, Target>()
    const widgets = flat(page.widgets)
    for (const { widget } of widgets) targets.set(widget.name, { name: this.free(widget.name), what: 'widget', type: widget.type })
    for (const query of page.queries) targets.set(query.name, { name: this.free(query.name), what: 'query' })
    const around: Around = { targets, stored: this.stored, storedName: (key) => this.storedName(key), modal: undefined, pages: this.pageNames }
    const objects = page.objects.flatMap((object) => {
      try {
        const members = membersOf(object)
        const made = memberKinds(members, (key) => this.free(`${object.name}_${key}`))
        targets.set(object.name, { name: object.name, what: 'object', members: made })
        return [{ object, members, made }]
      } catch (error) {
        this.report.add('missing', object.name, `The JavaScript object could not be read: ${error instanceof Error ? error.message : String(error)}.`)
        return []
      }
    })
    for (const query of page.queries) this.query(query, around)
    for (const { object, members, made } of objects) {
      for (const member of members) this.member(object.name, member, made, around)
    }
    const name = this.pageNames.get(page.name) ?? 'page'
    const made = { components: {} as Record<string, Component>, layout: {} as Record<string, GridRect> }
    this.document.pages[name] = { title: page.name, ...made }
    this.widgets(page.widgets, undefined, undefined, around, made)
    made.layout = settled(made.layout)
    Object.assign(this.document.pages[name], made)
  }

  private storedName(key: string): string {
    const known = this.stored.get(key)
    if (known !== undefined) return known
    const name = this.free(key)
    this.stored.set(key, name)
    this.document.state[name] = {}
    return name
  }

  private query(source: SourcePage['queries'][number], around: Around): void {
    const name = around.targets.get(source.name)?.name ?? source.name
    const { query, problems } = makeQuery(source, around)
    if (!query) {
      this.report.add('missing', source.name, sentence(problems))
      // What refers to it shall find it, and say what it lacks.
      this.document.scripts[name] = { code: `throw new Error(${JSON.stringify(`The query ${source.name} was not translated.`)})` }
      return
    }
    ;(this.document.queries ??= {})[name] = query as AppQuery
    this.report.add(problems.length > 0 ? 'changed' : 'translated', source.name, problems.length > 0 ? sentence(problems) : `A query on the resource \`${query.resource}\`.`, name)
  }

  private member(object: string, member: ReturnType<typeof membersOf>[number], made: ReturnType<typeof memberKinds>, around: Around): void {
    const target = made[member.key]
    if (!target) return
    const node = `${object}.${member.key}`
    if (target.is === 'variable') {
      this.document.state[target.name] = initialOf(member.text)
      this.report.add('translated', node, `The state variable \`${target.name}\`.`, target.name)
      return
    }
    const { text, problems } = memberBody(member, made, around)
    if (target.is === 'transformer') this.document.transformers[target.name] = { code: text }
    else this.document.scripts[target.name] = { code: text === '' ? 'return undefined' : text }
    this.report.add(problems.length > 0 ? 'changed' : 'translated', node, problems.length > 0 ? sentence(problems) : `The ${target.is} \`${target.name}\`.`, target.name)
  }

  private widgets(widgets: readonly SourceWidget[], parent: string | undefined, slot: string | undefined, around: Around, made: { components: Record<string, Component>; layout: Record<string, GridRect> }): void {
    for (const widget of widgets) {
      const target = around.targets.get(widget.name)
      if (!target) continue
      const mapped = mappedWidget(widget.type, widget.of, this.kinds)
      const kind = mapped?.kind ?? unknownKind(widget.type)
      const properties = mapped ? this.properties(widget, mapped.properties, around) : {}
      const isModal = kind === 'modal'
      const inner: Around = isModal ? { ...around, modal: target.name } : around
      const events = mapped ? this.events(widget, mapped.events, inner) : []
      made.components[target.name] = { type: kind, properties, ...(events.length > 0 ? { events } : {}) }
      made.layout[target.name] = rectOf(widget, isModal ? undefined : parent, isModal ? undefined : slot)
      if (!mapped) this.report.add('missing', widget.name, `There is no component like \`${widget.type}\`: it shows as unknown until you put another one in its place.`, target.name)
      else if (mapped.note) this.report.add('changed', widget.name, `It is ${mapped.note}.`, target.name)
      else this.report.add('translated', widget.name, `A ${(this.kinds[kind]?.text ?? kind).toLowerCase()}.`, target.name)
      const holds = this.kinds[kind]?.group === 'Containers'
      for (const child of widget.children) this.widgets([child.widget], holds ? target.name : parent, holds && kind === 'tabs' ? child.slot : holds ? undefined : slot, inner, made)
    }
  }

  private properties(widget: SourceWidget, properties: Record<string, unknown>, around: Around): NonNullable<Component['properties']> {
    const problems: string[] = []
    const translated = (value: unknown): unknown => {
      if (typeof value === 'string') {
        if (!value.includes('{{')) return value
        const { text, problems: found } = translateTemplate(value, around)
        problems.push(...found)
        return text
      }
      if (Array.isArray(value)) return value.map(translated)
      if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, translated(item)]))
      return value
    }
    const made = translated(properties) as NonNullable<Component['properties']>
    if (problems.length > 0) this.report.add('changed', widget.name, sentence([...new Set(problems)]), around.targets.get(widget.name)?.name)
    return made
  }

  private events(widget: SourceWidget, events: Readonly<Record<string, string>>, around: Around): EventHandler[] {
    const triggers = Object.entries(widget.of).filter(([key, value]) => /^on[A-Z]/.test(key) && typeof value === 'string' && value.includes('{{'))
    return triggers.flatMap(([key, value]): EventHandler[] => {
      const on = events[key]
      if (on === undefined) {
        this.report.add('missing', widget.name, `Its event \`${key}\` has no counterpart.`)
        return []
      }
      const { actions, script, problems } = translateTrigger(String(value), around)
      if (problems.length > 0) this.report.add('changed', widget.name, sentence(problems))
      const all: MadeAction[] = script === undefined ? actions : [this.eventScript(widget.name, key, script)]
      return all.map((action) => ({ on, action: action as unknown as EventHandler['action'] }))
    })
  }

  private eventScript(widget: string, event: string, code: string): MadeAction {
    const name = this.free(`${widget}_${event}`)
    this.document.scripts[name] = { code }
    this.report.add('translated', widget, `Its event \`${event}\` is the script \`${name}\`.`, name)
    return { do: 'run-query', query: name }
  }
}

function flat(widgets: readonly SourceWidget[]): { widget: SourceWidget }[] {
  return widgets.flatMap((widget) => [{ widget }, ...flat(widget.children.map((child) => child.widget))])
}

/** `AUDIO_WIDGET` -> `appsmith-audio`: a kind that nobody knows is kept and shown as such. */
function unknownKind(type: string): string {
  const words = type.toLowerCase().replace(/_widget.*$/, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').replace(/-(?=\d)/g, '-n')
  return `appsmith-${words || 'widget'}`.slice(0, 40)
}

function rectOf(widget: SourceWidget, parent: string | undefined, slot: string | undefined): GridRect {
  const column = Math.min(columns - 1, Math.max(0, Math.round((widget.left / theirColumns) * columns)))
  const end = Math.min(columns, Math.max(column + 1, Math.round((widget.right / theirColumns) * columns)))
  const row = Math.min(maxRow - maxHeight, Math.max(0, Math.round(widget.top / rowsToOne)))
  const height = Math.min(maxHeight, Math.max(1, Math.round((widget.bottom - widget.top) / rowsToOne)))
  return { column, row, width: end - column, height, ...(parent ? { parent } : {}), ...(parent && slot ? { slot } : {}) }
}

/** The places with none over another: what the rounding has pushed together moves down. */
function settled(layout: Record<string, GridRect>): Record<string, GridRect> {
  const names = Object.keys(layout).sort((a, b) => (layout[a]?.row ?? 0) - (layout[b]?.row ?? 0) || (layout[a]?.column ?? 0) - (layout[b]?.column ?? 0))
  let done: Record<string, GridRect> = {}
  for (const name of names) {
    const rect = layout[name]
    // What stands already stays, and the next one makes room for itself.
    if (rect) done = { ...place({ [name]: rect }, done) }
  }
  return done
}

function initialOf(text: string): { initial?: unknown } {
  try {
    const value: unknown = JSON.parse(text.replace(/'/g, '"'))
    return value === null ? {} : { initial: value }
  } catch {
    return text === 'undefined' ? {} : { initial: `{{ ${text} }}` }
  }
}

function sentence(problems: readonly string[]): string {
  const joined = problems.join('; ')
  return `${joined[0]?.toUpperCase() ?? ''}${joined.slice(1)}.`
}
