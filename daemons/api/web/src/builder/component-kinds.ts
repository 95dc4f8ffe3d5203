/** The kinds of components as the builder offers them: `components/kinds/<kind>/spec.ts` has one each. */
import type { Component } from '../api/types'
import { type KindSpec, type PropertySpec, flag, groups } from '../components/spec'

const modules = import.meta.glob<KindSpec>('../components/kinds/*/spec.ts', { eager: true, import: 'spec' })

/** By kind, in the order of their groups and names. A kind that this version does not know has none. */
export const componentKinds: Record<string, KindSpec> = Object.fromEntries(
  Object.entries(modules)
    .map(([path, spec]): [string, KindSpec] => [path.split('/').at(-2) ?? path, spec])
    .sort(([, a], [, b]) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.text.localeCompare(b.text, 'en')),
)

/** Every component has it. */
export const hidden: PropertySpec = flag('hidden', 'Hidden', 'Or an expression such as {{ !table.selectedRow }}.')

export function makeComponent(kind: string): Component {
  return { type: kind, properties: structuredClone(componentKinds[kind]?.starts ?? {}) }
}
