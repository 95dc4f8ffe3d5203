/** Above the list of apps: words, folder, tag, favourites. What is chosen stands in the address. */
import { Star } from 'lucide-react'
import type { AppSummary } from '../api/types'
import { Button } from '../ui/Button'
import { t } from '../messages/messages'
import { type AppFilters, foldersOf, tagsOf } from './app-filters'

export function AppFilterBar({ apps, filters, onChange }: { apps: AppSummary[]; filters: AppFilters; onChange: (filters: AppFilters) => void }) {
  const [folders, tags] = [foldersOf(apps), tagsOf(apps)]
  const set = (part: { [Key in keyof AppFilters]: AppFilters[Key] | undefined }) => {
    const next = Object.entries({ ...filters, ...part }).filter(([, value]) => value !== undefined && value !== '')
    onChange(Object.fromEntries(next))
  }
  return (
    <div className="app-filters" role="search" aria-label={t('Find an app')}>
      <input className="input" type="search" aria-label={t('Search apps')} placeholder={t('Search apps')} value={filters.q ?? ''} onChange={({ target }) => set({ q: target.value })} />
      {folders.length > 0 ? (
        <select className="input" aria-label={t('Folder')} value={filters.folder ?? ''} onChange={({ target }) => set({ folder: target.value })}>
          <option value="">{t('All folders')}</option>
          {folders.map((folder) => (
            <option key={folder} value={folder}>
              {folder}
            </option>
          ))}
        </select>
      ) : null}
      {tags.length > 0 ? (
        <select className="input" aria-label={t('Tag')} value={filters.tag ?? ''} onChange={({ target }) => set({ tag: target.value })}>
          <option value="">{t('All tags')}</option>
          {tags.map((tag) => (
            <option key={tag} value={tag}>
              {tag}
            </option>
          ))}
        </select>
      ) : null}
      <Button icon={Star} aria-pressed={filters.mine ?? false} className={filters.mine ? 'is-favourite' : ''} onClick={() => set({ mine: filters.mine ? undefined : true })}>
        {t('Favourites')}
      </Button>
    </div>
  )
}
