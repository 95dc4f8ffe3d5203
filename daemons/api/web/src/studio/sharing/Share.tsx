/** Who may do what with a thing: people and groups, what comes from folders, and who can use it now. Each change counts at once. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, Copy, FolderClosed, Trash2, User, Users } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import type { GrantList, Role } from '../../api/types'
import { message, plural, t } from '../../messages/messages'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ErrorNotice, Loaded } from '../../ui/states'
import { notify } from '../../ui/toasts'
import { Holders } from './Holders'
import { ShareSearch } from './ShareSearch'
import { type Grantee, type SharedKind, giveRole, linkOf, ownersOf, readGrants, roleNames, takeRole } from './routes'
import './sharing.css'

const meanings = {
  apps: message('Use: open what is released. Edit: change, run and release. Own: also share, move and delete.'),
  workflows: message('Use: run it from apps. Edit: change, run and release, and see its runs. Own: also share, move and delete.'),
  resources: message('Use: through released queries alone. Edit: write queries for it. Own: also its settings, share, move and delete.'),
  queries: message('Use: refer to what is released. Edit: change, run and release. Own: also share, move and delete.'),
  folders: message('A role counts on everything in the folder, and on the folders in it. Edit: also put things into it. Own: also share, rename and delete it.'),
} satisfies Record<SharedKind, string>

export function Share({ kind, slug, title, onClose }: { kind: SharedKind; slug: string; title: string; onClose: () => void }) {
  const queryClient = useQueryClient()
  const key = ['grants', kind, slug]
  const shared = useQuery({ queryKey: key, queryFn: () => readGrants(kind, slug) })
  const change = useMutation({
    meta: { showsError: true },
    mutationFn: ({ who, role }: { who: Grantee; role: Role | undefined }) => (role ? giveRole(kind, slug, who, role) : takeRole(kind, slug, who)),
    onSettled: () => Promise.all([queryClient.invalidateQueries({ queryKey: ['grants'] }), queryClient.invalidateQueries({ queryKey: [kind] })]),
  })
  return (
    <Dialog
      title={t('Share {title}', { title })}
      isWide
      onClose={onClose}
      footer={
        <>
          <CopyLink link={linkOf(kind, slug, title)} />
          <Button variant="primary" onClick={onClose}>
            {t('Done')}
          </Button>
        </>
      }
    >
      <ErrorNotice error={change.error} />
      <ShareSearch shared={shared.data} isBusy={change.isPending} onAdd={(who, role) => change.mutate({ who, role })} />
      <p className="muted">{t(meanings[kind])}</p>
      <Loaded query={shared}>{(found) => <Rows found={found} isBusy={change.isPending} onChange={(who, role) => change.mutate({ who, role })} />}</Loaded>
    </Dialog>
  )
}

function CopyLink({ link }: { link: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link)
      setCopied(true)
      setTimeout(() => setCopied(false), 2000)
    } catch {
      notify(t('The browser did not let it be copied: {link}', { link }), 'error')
    }
  }
  return (
    <Button className="copy-link" icon={isCopied ? Check : Copy} onClick={() => void copy()}>
      {isCopied ? t('Link copied') : t('Copy link')}
    </Button>
  )
}

interface RowsProps {
  found: GrantList
  isBusy: boolean
  onChange: (who: Grantee, role: Role | undefined) => void
}

function Rows({ found, isBusy, onChange }: RowsProps) {
  const isLast = (role: Role, counts: boolean) => role === 'admin' && counts && ownersOf(found) === 1
  const inherited = found.inherited.map(({ folder, person, group }) => ({ folder, name: person?.name ?? group?.group ?? '', about: person?.email ?? members(group?.members ?? 0), isGroup: !person, role: (person ?? group)?.role ?? 'viewer' }))
  return (
    <>
      {found.grants.length + found.groups.length > 0 ? (
        <ul className="share-list" aria-label={t('People and groups with a role')}>
          {found.grants.map((grant) => (
            <Row key={grant.user} name={grant.name} about={grant.email} role={grant.role} badge={grant.disabled ? <Badge tone="red">{t('Disabled')}</Badge> : null} isLast={isLast(grant.role, !grant.disabled)} isBusy={isBusy} onChange={(role) => onChange({ user: grant.user }, role)} />
          ))}
          {found.groups.map((grant) => (
            <Row key={grant.group} isGroup name={grant.group} about={grant.description || members(grant.members)} role={grant.role} isLast={isLast(grant.role, grant.members > 0)} isBusy={isBusy} onChange={(role) => onChange({ group: grant.group }, role)} />
          ))}
        </ul>
      ) : (
        <p className="muted">{inherited.length > 0 ? t('Nobody has a role on it alone.') : t('Nobody has a role here yet. Administrators may do everything anyway.')}</p>
      )}
      {inherited.length > 0 ? (
        <section className="share-part">
          <h3>{t('From folders')}</h3>
          <ul className="share-list" aria-label={t('Roles from folders')}>
            {inherited.map((row) => (
              <li key={`${row.folder} ${row.isGroup} ${row.about} ${row.name}`}>
                <Who name={row.name} about={row.about} isGroup={row.isGroup} />
                <span className="share-from">
                  <span>{t(roleNames[row.role])}</span>
                  <span className="muted row">
                    <FolderClosed className="icon" strokeWidth={1.5} aria-hidden />
                    <span className="visually-hidden">{t('from the folder')}</span>
                    {row.folder}
                  </span>
                </span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      {found.is_for_everybody ? <p className="muted">{t('It is built in: everybody may use it through the released queries of their apps.')}</p> : null}
      <Holders holders={found.holders} count={found.holder_count} />
    </>
  )
}

function members(count: number): string {
  return plural(count, '{count} person', '{count} people')
}

function Who({ name, about, isGroup, badge, note }: { name: string; about: string; isGroup: boolean; badge?: ReactNode; note?: string | undefined }) {
  const Icon = isGroup ? Users : User
  return (
    <div className="share-who">
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <div>
        <div className="row">
          <strong>{name}</strong>
          {isGroup ? <Badge>{t('Group')}</Badge> : null}
          {badge}
        </div>
        <div className="muted">{about}</div>
        {note ? <div className="muted">{note}</div> : null}
      </div>
    </div>
  )
}

interface RowProps {
  name: string
  about: string
  role: Role
  isGroup?: boolean
  badge?: ReactNode
  isLast: boolean
  isBusy: boolean
  onChange: (role: Role | undefined) => void
}

function Row({ name, about, role, isGroup = false, badge, isLast, isBusy, onChange }: RowProps) {
  const kept = isLast ? t('The last owner stays: make somebody else an owner first.') : undefined
  return (
    <li>
      <Who name={name} about={about} isGroup={isGroup} badge={badge} note={kept} />
      <select className="input" aria-label={t('Role of {name}', { name })} value={role} disabled={isLast || isBusy} onChange={(event) => onChange(event.target.value as Role)}>
        {Object.entries(roleNames).map(([value, text]) => (
          <option key={value} value={value}>
            {t(text)}
          </option>
        ))}
      </select>
      <Button variant="ghost" size="small" icon={Trash2} label={t('Remove {name}', { name })} disabled={isLast || isBusy} onClick={() => onChange(undefined)} />
    </li>
  )
}
