/** Which query of the library is meant, in which release, with which arguments. */
import { useQuery } from '@tanstack/react-query'
import type { LibraryUse, ResourceQuery } from '../api/types'
import { libraryQuery } from '../studio/lists'
import { messageOf } from '../api/problem'
import { SelectField, TextField } from './Field'

interface Props {
  library: LibraryUse
  change: (part: Partial<Pick<ResourceQuery, 'library' | 'resource' | 'mode'>>, key?: string) => void
}

export function LibraryForm({ library, change }: Props) {
  const all = useQuery(libraryQuery)
  const known = (all.data ?? []).filter((one) => one.released_version)
  const current = known.find((one) => one.slug === library.query)
  const given = library.arguments ?? {}
  const set = (part: Partial<LibraryUse>, key?: string) => change({ library: { ...library, ...part } }, key)
  const choose = (slug: string) => {
    const next = known.find((one) => one.slug === slug)
    if (next) change({ library: { query: slug, arguments: {} }, resource: next.resource, mode: next.mode })
  }
  const names = [...new Set([...Object.keys(current?.parameters ?? {}), ...Object.keys(given)])]
  const setArgument = (name: string, text: string) => {
    const { [name]: _, ...others } = given
    set({ arguments: text.trim() === '' ? others : { ...others, [name]: text } }, `library.${name}`)
  }
  return (
    <div className="stack">
      <SelectField
        label="Query of the library"
        value={library.query}
        error={all.isError ? messageOf(all.error) : undefined}
        hint={current?.description || (known.length === 0 && all.data ? 'Nothing in the library is released and shared with you yet.' : undefined)}
        options={[...(current ? [] : [[library.query, library.query || 'Choose a query'] as const]), ...known.map((one) => [one.slug, one.title] as const)]}
        onChange={({ target }) => choose(target.value)}
      />
      {current ? (
        <SelectField
          label="Release"
          hint={library.version ? 'It stays as it is, whatever is released later.' : 'What is released later counts here at once.'}
          value={library.version ?? ''}
          options={[['', 'Latest'], ...Array.from({ length: current.released_version ?? 0 }, (_, index) => String((current.released_version ?? 0) - index)).map((version) => [version, `Version ${version}`] as const)]}
          onChange={({ target }) => set({ version: target.value === '' ? null : Number(target.value) })}
        />
      ) : null}
      {names.map((name) => {
        const parameter = current?.parameters[name]
        return (
          <TextField
            key={name}
            label={name}
            className="mono"
            placeholder={parameter?.is_required === false ? 'Its default' : 'table1.selectedRow.id'}
            hint={parameter?.description || 'A JavaScript expression, without braces.'}
            error={current && !parameter ? 'The query has no such parameter: empty this.' : undefined}
            value={given[name] ?? ''}
            onChange={({ target }) => setArgument(name, target.value)}
          />
        )
      })}
    </div>
  )
}
