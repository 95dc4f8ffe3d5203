/**
 * Components that stand in lists: each of their properties has a value for each item, and each input in them a state for each item.
 *
 * In the store they go by the names of instances, `button[2]`; expressions in them see `item`, `index` and each other, those outside
 * of them see what their inputs hold in the list's `values`.
 */
import type { Component, Page } from '../api/types'
import type { Outcome } from '../evaluator/protocol'
import { heldValue, isInput, stateOf } from './kinds'
import { initialState } from './model'
import { baseOf, instanceName, listAround } from './nesting'
import { jsonOf } from './values'

type Values = Record<string, unknown>
type Shown = { value: unknown } | { error: string; isFault?: boolean }

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
/** Once it may have been another's loop that ended the worker. */
const mostStrikes = 2
/** Inputs in an item may read each other: their values settle in a few rounds. */
const mostRounds = 4

export class Lists {
  private isRunning = false
  private isStale = false
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

  /** The items of a list as they are now. */
  items(list: string): unknown[] {
    const shown = this.host.state().shown[`${list}.data`]
    const data = jsonOf(shown && 'value' in shown ? shown.value : undefined)
    return Array.isArray(data) ? data.slice(0, mostItems) : []
  }

  /** The instances of a component; the component itself when it stands in no list. */
  instances(name: string): string[] {
    const list = listAround(this.host.page(), name)
    return list === undefined ? [name] : this.items(list).map((_, index) => instanceName(name, index))
  }

  /** The list and the item that an instance stands in. */
  placeOf(instance: string): { list: string; index: number; item: unknown } | undefined {
    const { base, index } = baseOf(instance)
    const list = index === undefined ? undefined : listAround(this.host.page(), base)
    return list === undefined || index === undefined ? undefined : { list, index, item: this.items(list)[index] }
  }

  private lists(): string[] {
    const page = this.host.page()
    return Object.entries(page.components ?? {}).flatMap(([name, { type }]) => (type === 'list' && listAround(page, name) === undefined ? [name] : []))
  }

  private async run(): Promise<void> {
    try {
      while (this.isStale) {
        this.isStale = false
        for (const list of this.lists()) await this.evaluate(list)
      }
    } finally {
      this.isRunning = false
    }
  }

  private async evaluate(list: string): Promise<void> {
    const page = this.host.page()
    const inside = Object.entries(page.components ?? {}).filter(([name, { type }]) => type !== 'list' && listAround(page, name) === list)
    const templates = Object.fromEntries(inside.flatMap(([name, component]) => Object.entries(component.properties ?? {}).flatMap(([property, template]) => (stateOf(component.type).raw?.includes(property) ? [] : [[`${name}.${property}`, template]]))))
    const texts = JSON.stringify(templates)
    const strikes = this.stuck.get(list)?.texts === texts ? (this.stuck.get(list)?.strikes ?? 0) : 0
    if (strikes >= mostStrikes) return
    let before = ''
    for (let round = 0; round < mostRounds; round += 1) {
      const items = this.items(list)
      const locals = items.map((item, index) => ({ item, index, ...this.seenIn(inside, index) }))
      const outcomes = Object.keys(templates).length > 0 ? await this.host.evaluateEach(templates, locals) : []
      if (!outcomes) {
        this.stuck.set(list, { texts, strikes: strikes + 1 })
        const fault: Shown = { error: 'It ran too long and was stopped: an endless loop?', isFault: true }
        return this.host.show(Object.fromEntries(items.flatMap((_, index) => Object.keys(templates).map((id) => [`${instanceName(id.slice(0, id.indexOf('.')), index)}${id.slice(id.indexOf('.'))}`, fault]))))
      }
      this.stuck.delete(list)
      const shown: Record<string, Shown> = {}
      outcomes.forEach((own, index) => {
        for (const [id, outcome] of Object.entries(own)) {
          const dot = id.indexOf('.')
          shown[`${instanceName(id.slice(0, dot), index)}${id.slice(dot)}`] = 'same' in outcome ? { value: undefined } : outcome
        }
      })
      this.host.show(shown)
      const values = items.map((_, index) => this.heldIn(inside, index))
      const after = JSON.stringify(values)
      if (after === before) break
      before = after
      const known = JSON.stringify(this.host.state().components[list]?.values ?? [])
      if (known !== after) this.host.setComponent(list, { values })
    }
  }

  /** What expressions in an item see of the components in it. */
  private seenIn(inside: [string, Component][], index: number): Values {
    const { components } = this.host.state()
    return Object.fromEntries(
      inside.map(([name, component]) => {
        const instance = instanceName(name, index)
        const value = stateOf(component.type).value === undefined ? {} : { value: this.heldBy(component, instance) }
        return [name, { ...initialState(component), ...components[instance], ...value }]
      }),
    )
  }

  private heldIn(inside: [string, Component][], index: number): Values {
    return Object.fromEntries(inside.flatMap(([name, component]) => (isInput(component.type) ? [[name, this.heldBy(component, instanceName(name, index))]] : [])))
  }

  private heldBy(component: Component, instance: string): unknown {
    const { components, shown } = this.host.state()
    return heldValue(component.type, components[instance], (property) => {
      const value = shown[`${instance}.${property}`]
      return value && 'value' in value ? value.value : undefined
    })
  }
}
