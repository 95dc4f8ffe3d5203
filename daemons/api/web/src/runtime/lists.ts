/**
 * Components that stand in lists: each of their properties has a value for each item, and each input in them a state for each item.
 *
 * In the store they go by the names of instances, `button[2]`, in a list in a list `button[2][0]`; expressions in them see `item`, `index` and
 * each other, the item around theirs as `parent`, and what stands in that. Those outside see what inputs hold in the list's `values`.
 */
import type { Component, Page } from '../api/types'
import type { Outcome } from '../evaluator/protocol'
import { heldValue, isInput, stateOf } from './kinds'
import { initialState } from './model'
import { type Path, baseOf, indexesOf, instanceName, listsAround, pathTo } from './nesting'
import type { Shown } from './state'
import { jsonOf } from './values'

type Values = Record<string, unknown>

/** What lists need of the runtime. */
export interface ListHost {
  page: () => Page
  state: () => { shown: Record<string, Shown>; components: Record<string, Values> }
  evaluateEach: (templates: Values, locals: Values[]) => Promise<Record<string, Outcome>[] | undefined>
  show: (shown: Record<string, Shown>) => void
  setComponent: (name: string, values: Values) => void
}

/** The item that handlers are of, by the name of its list: what they see of it, whichever item is pressed meanwhile. */
export type Within = Record<string, { item: unknown; index: number }>

/** More items are for a table. */
export const mostItems = 500
/** Items of all lists in lists on a page. */
const mostInner = 2000
/** Once it may have been another's loop that ended the worker. */
const mostStrikes = 2
/** Inputs in an item may read each other: their values settle in a few rounds. */
const mostRounds = 6

/** An item, and what expressions in it see. */
interface Place {
  path: Path
  locals: Values & { item: unknown; index: number; parent?: unknown }
}

export class Lists {
  private isRunning = false
  private isStale = false
  /** Whether what modules in items are given, or give, was another than before. */
  private isMoved = false
  /** Lists whose texts ran without end, with those texts: changed ones get a new chance. */
  private readonly stuck = new Map<string, { texts: string; strikes: number }>()

  constructor(private readonly host: ListHost) {}

  /** Evaluates all that stands in lists anew, once for all calls that come while it is under way. */
  refresh(): void {
    this.isStale = true
    if (this.isRunning || this.lists().length === 0) return
    this.isRunning = true
    void this.run()
  }

  /** The items of a list, or of an instance of one, as they are now. */
  items(list: string): unknown[] {
    const shown = this.host.state().shown[`${list}.data`]
    const data = jsonOf(shown && 'value' in shown ? shown.value : undefined)
    return Array.isArray(data) ? data.slice(0, mostItems) : []
  }

  /** The instances of a component, of those in one item when a path says which; the component itself when it stands in no list. */
  instances(name: string, path: Path = ''): string[] {
    const deeper = listsAround(this.host.page(), name).slice(indexesOf(path).length)
    const paths = deeper.reduce((found, list) => found.flatMap((at) => this.items(instanceName(list, at)).map((_, index) => `${at}[${index}]`)), [path])
    return paths.map((at) => instanceName(name, at))
  }

  /** The lists and items that an instance stands in, the outermost first. */
  placesOf(instance: string): { list: string; index: number; item: unknown }[] {
    const { base, path } = baseOf(instance)
    const indexes = indexesOf(path)
    return listsAround(this.host.page(), base).flatMap((name, depth) => {
      const index = indexes[depth]
      const list = instanceName(name, pathTo(path, depth))
      return index === undefined ? [] : [{ list, index, item: this.items(list)[index] }]
    })
  }

  /** The lists that stand in none. */
  private lists(): string[] {
    const page = this.host.page()
    return Object.entries(page.components ?? {}).flatMap(([name, { type }]) => (type === 'list' && listsAround(page, name).length === 0 ? [name] : []))
  }

  private async run(): Promise<void> {
    try {
      while (this.isStale) {
        this.isStale = false
        for (const list of this.lists()) await this.settle(list)
      }
    } finally {
      this.isRunning = false
    }
  }

  /** What stands in a list and in the lists in it, until what inputs hold changes no more. */
  private async settle(list: string): Promise<void> {
    let before = ''
    for (let round = 0; round < mostRounds; round += 1) {
      this.isMoved = false
      const items = this.items(list).map((item, index): Place => ({ path: `[${index}]`, locals: { item, index } }))
      await this.evaluate(list, items)
      const values = this.valuesOf(list, '')
      const after = JSON.stringify(values)
      if (after === before && !this.isMoved) break
      before = after
      this.hold(list, values)
    }
  }

  /** All that stands in the items of a list, then in lists in these. */
  private async evaluate(list: string, items: Place[]): Promise<void> {
    const inside = this.inside(list)
    const places = items.map(({ path, locals }): Place => ({ path, locals: { ...locals, ...this.seenIn(inside, path) } }))
    if (!(await this.showIn(list, inside, places))) return
    for (const [name, { type }] of inside) {
      if (type !== 'list') continue
      const inner = places.flatMap(({ path, locals }) => this.items(instanceName(name, path)).map((item, index): Place => ({ path: `${path}[${index}]`, locals: { ...locals, parent: aroundIn(locals), item, index } })))
      await this.evaluate(name, inner.slice(0, mostInner))
    }
  }

  /** Evaluates the properties of components in each of the places; false when they ran without end. */
  private async showIn(list: string, inside: [string, Component][], places: Place[]): Promise<boolean> {
    const templates = Object.fromEntries(inside.flatMap(([name, component]) => Object.entries(component.properties ?? {}).flatMap(([property, template]) => (stateOf(component.type).raw?.includes(property) ? [] : [[`${name}.${property}`, template]]))))
    const texts = JSON.stringify(templates)
    const strikes = this.stuck.get(list)?.texts === texts ? (this.stuck.get(list)?.strikes ?? 0) : 0
    if (strikes >= mostStrikes) return false
    const outcomes = Object.keys(templates).length > 0 && places.length > 0 ? await this.host.evaluateEach(templates, places.map(({ locals }) => locals)) : []
    const at = (id: string, path: Path) => `${instanceName(id.slice(0, id.indexOf('.')), path)}${id.slice(id.indexOf('.'))}`
    if (!outcomes) {
      this.stuck.set(list, { texts, strikes: strikes + 1 })
      const fault: Shown = { error: 'It ran too long and was stopped: an endless loop?', isFault: true }
      this.host.show(Object.fromEntries(places.flatMap(({ path }) => Object.keys(templates).map((id) => [at(id, path), fault]))))
      return false
    }
    this.stuck.delete(list)
    const shown: Record<string, Shown> = {}
    outcomes.forEach((own, index) => {
      for (const [id, outcome] of Object.entries(own)) shown[at(id, places[index]?.path ?? '')] = 'same' in outcome ? { value: undefined } : outcome
    })
    const before = this.host.state().shown
    const isOfModule = new Set(inside.flatMap(([name, { type }]) => (type === 'module' ? [name] : [])))
    this.isMoved ||= isOfModule.size > 0 && Object.keys(shown).some((id) => isOfModule.has(baseOf(id).base) && JSON.stringify(shown[id]) !== JSON.stringify(before[id]))
    this.host.show(shown)
    return true
  }

  /** What stands in the items of a list itself, and not in a list in these. */
  private inside(list: string): [string, Component][] {
    const page = this.host.page()
    return Object.entries(page.components ?? {}).filter(([name]) => listsAround(page, name).at(-1) === list)
  }

  /** What expressions in an item see of the components in it. */
  private seenIn(inside: [string, Component][], path: Path): Values {
    const { components } = this.host.state()
    return Object.fromEntries(
      inside.map(([name, component]) => {
        const instance = instanceName(name, path)
        const value = stateOf(component.type).value === undefined ? {} : { value: this.heldBy(component, instance) }
        return [name, { ...initialState(component), ...(component.type === 'module' ? this.portsOf(component, instance) : {}), ...components[instance], ...value }]
      }),
    )
  }

  /** What a module is given and gives: all else in its item reads it by its name. */
  private portsOf({ properties = {} }: Component, instance: string): Values {
    const { shown } = this.host.state()
    return Object.fromEntries(
      Object.keys(properties).flatMap((property) => {
        const value = shown[`${instance}.${property}`]
        return value && 'value' in value ? [[property, value.value]] : []
      }),
    )
  }

  /** What the inputs of each item hold, with lists in it as lists. */
  private valuesOf(list: string, path: Path): Values[] {
    const inside = this.inside(list)
    return this.items(instanceName(list, path)).map((_, index) => {
      const here = `${path}[${index}]`
      return Object.fromEntries(
        inside.flatMap(([name, component]): [string, unknown][] => {
          if (isInput(component.type)) return [[name, this.heldBy(component, instanceName(name, here))]]
          if (component.type !== 'list') return []
          const values = this.valuesOf(name, here)
          this.hold(instanceName(name, here), values)
          return [[name, values]]
        }),
      )
    })
  }

  /** What a list tells of its inputs, where that is new. */
  private hold(list: string, values: Values[]): void {
    const known = JSON.stringify(this.host.state().components[list]?.values ?? [])
    if (known !== JSON.stringify(values)) this.host.setComponent(list, { values })
  }

  private heldBy(component: Component, instance: string): unknown {
    const { components, shown } = this.host.state()
    return heldValue(component.type, components[instance], (property) => {
      const value = shown[`${instance}.${property}`]
      return value && 'value' in value ? value.value : undefined
    })
  }
}

/** An item as what stands in a list in it sees it. */
function aroundIn({ item, index, parent }: Place['locals']): Values {
  return { item, index, ...(parent === undefined ? {} : { parent }) }
}
