/** Who can use a thing now, whatever the ways to it are. */
import type { Holder, Way } from '../../api/types'
import { t } from '../../messages/messages'
import { roleNames } from './routes'

export function Holders({ holders, count }: { holders: readonly Holder[]; count: number }) {
  return (
    <details className="share-part">
      <summary>{t('Who can use it now ({count})', { count })}</summary>
      <ul className="share-list" aria-label={t('Who can use it now')}>
        {holders.map((holder) => (
          <li key={holder.user}>
            <div className="share-who">
              <div>
                <strong>{holder.name}</strong>
                <div className="muted">{holder.email}</div>
              </div>
            </div>
            <span className="share-from">
              <span>{t(roleNames[holder.role])}</span>
              <span className="muted">{[...(holder.is_admin ? [t('as an administrator')] : []), ...holder.by.map(said)].join(', ')}</span>
            </span>
          </li>
        ))}
      </ul>
      {count > holders.length ? <p className="muted">{t('And {count} more.', { count: count - holders.length })}</p> : null}
    </details>
  )
}

function said({ group, folder }: Way): string {
  if (group && folder) return t('by the group {group}, from {folder}', { group, folder })
  if (group) return t('by the group {group}', { group })
  return folder ? t('from {folder}', { folder }) : t('by a role of their own')
}
