/** The kinds of components as the builder offers them. They arrive while the app itself is fetched. */
import type { Component } from '../api/types'
import { type KindSpec, type PropertySpec, flag } from '../components/spec'

/** Filled by `loadKinds`. A kind that this version does not know has none. */
export const componentKinds: Record<string, KindSpec> = {}

/** To be awaited before anything of the builder is drawn. */
export async function loadKinds(): Promise<Record<string, KindSpec>> {
  const { specs } = await import('./kind-specs')
  return Object.assign(componentKinds, specs)
}

/** Every component has it. */
export const hidden: PropertySpec = flag('hidden', 'Hidden', 'Or an expression such as {{ !table.selectedRow }}.')

export function makeComponent(kind: string): Component {
  return { type: kind, properties: structuredClone(componentKinds[kind]?.starts ?? {}) }
}
