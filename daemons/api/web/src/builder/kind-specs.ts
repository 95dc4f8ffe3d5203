/** What the builder knows of every kind, in one chunk: `components/kinds/<kind>/spec.ts` has one each. */
import { type KindSpec, groups } from '../components/spec'

const modules = import.meta.glob<KindSpec>('../components/kinds/*/spec.ts', { eager: true, import: 'spec' })

/** By kind, in the order of their groups and names. */
export const specs: Record<string, KindSpec> = Object.fromEntries(
  Object.entries(modules)
    .map(([path, spec]): [string, KindSpec] => [path.split('/').at(-2) ?? path, spec])
    .sort(([, a], [, b]) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.text.localeCompare(b.text, 'en')),
)
