/** Which apps a list shows: what its address says. */
import type { AppSummary } from '../api/types'

export interface AppFilters {
  q?: string
  folder?: string
  tag?: string
  mine?: true
  modules?: true
}

export function appFiltersOf(search: Record<string, unknown>): AppFilters {
  const text = (key: string) => (typeof search[key] === 'string' && search[key] !== '' ? { [key]: search[key] } : {})
  const flag = (key: string) => (search[key] === true || search[key] === 'true' ? { [key]: true as const } : {})
  return { ...text('q'), ...text('folder'), ...text('tag'), ...flag('mine'), ...flag('modules') }
}

/** Favourites first, then by title, as the server sorts them. */
export function arranged(apps: AppSummary[], { q, folder, tag, mine, modules }: AppFilters): AppSummary[] {
  const words = (q ?? '').toLocaleLowerCase().split(/\s+/).filter(Boolean)
  const found = apps.filter((app) => {
    if (app.is_module !== Boolean(modules)) return false
    if (mine && !app.is_favourite) return false
    if (tag !== undefined && !app.tags.includes(tag)) return false
    if (folder !== undefined && app.folder !== folder && !app.folder.startsWith(`${folder}/`)) return false
    const text = [app.title, app.slug, app.folder, ...app.tags].join(' ').toLocaleLowerCase()
    return words.every((word) => text.includes(word))
  })
  return [...found.filter((app) => app.is_favourite), ...found.filter((app) => !app.is_favourite)]
}

/** Every folder that an app stands in, and those around them. */
export function foldersOf(apps: readonly AppSummary[]): string[] {
  const folders = new Set<string>()
  for (const { folder } of apps) {
    const parts = folder.split('/').filter(Boolean)
    parts.forEach((_, index) => folders.add(parts.slice(0, index + 1).join('/')))
  }
  return [...folders].sort((a, b) => a.localeCompare(b))
}

export function tagsOf(apps: readonly AppSummary[]): string[] {
  return [...new Set(apps.flatMap(({ tags }) => tags))].sort((a, b) => a.localeCompare(b))
}
