/** Looks for people and groups, and gives whom one chooses a role. */
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { GrantList, Role } from '../../api/types'
import { plural, t } from '../../messages/messages'
import { Badge } from '../../ui/Badge'
import { Button } from '../../ui/Button'
import { SelectField, TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { type Grantee, roleNames } from './routes'

const roles = Object.entries(roleNames)

interface Props {
  shared: GrantList | undefined
  isBusy: boolean
  onAdd: (who: Grantee, role: Role) => void
}

export function ShareSearch({ shared, isBusy, onAdd }: Props) {
  const [words, setWords] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const search = useDeferredValue(words.trim())
  const isAsked = search.length >= 2
  const found = useQuery({ queryKey: ['people', search], enabled: isAsked, placeholderData: (before) => before, queryFn: () => dataOf(api.GET('/api/v1/people', { params: { query: { search } } })) })
  const people = (isAsked ? found.data?.people : undefined)?.filter(({ id }) => !shared?.grants.some(({ user }) => user === id)) ?? []
  const groups = (isAsked ? found.data?.groups : undefined)?.filter(({ name }) => !shared?.groups.some(({ group }) => group === name)) ?? []
  const add = (who: Grantee) => {
    onAdd(who, role)
    setWords('')
  }
  const rows = [
    ...people.map((person) => ({ key: person.id, name: person.name, about: person.email, isGroup: false, who: { user: person.id } })),
    ...groups.map((group) => ({ key: group.name, name: group.name, about: group.description || plural(group.members, '{count} person', '{count} people'), isGroup: true, who: { group: group.name } })),
  ]
  return (
    <form
      className="share-search"
      onSubmit={(event) => {
        event.preventDefault()
        if (rows.length === 1 && rows[0]) add(rows[0].who)
      }}
    >
      <div className="share-fields">
        <TextField label={t('Add people and groups')} placeholder={t('Name or e-mail address')} value={words} maxLength={100} onChange={({ target }) => setWords(target.value)} />
        <SelectField label={t('Role')} value={role} onChange={({ target }) => setRole(target.value as Role)} options={roles.map(([value, text]) => [value, t(text)] as const)} />
      </div>
      <ErrorNotice error={found.error} />
      {rows.length > 0 ? (
        <ul className="share-list is-found" aria-label={t('Found')}>
          {rows.map((row) => (
            <li key={row.key}>
              <div className="share-who">
                <div>
                  <div className="row">
                    <strong>{row.name}</strong>
                    {row.isGroup ? <Badge>{t('Group')}</Badge> : null}
                  </div>
                  <div className="muted">{row.about}</div>
                </div>
              </div>
              <Button size="small" icon={Plus} title={t('Add {name}', { name: row.name })} aria-describedby="share-found" isBusy={isBusy} onClick={() => add(row.who)}>
                {t('Add')}
                <span className="visually-hidden"> {row.name}</span>
              </Button>
            </li>
          ))}
        </ul>
      ) : null}
      <p className="hint" role="status" id="share-found">
        {!isAsked ? '' : found.isSuccess && rows.length === 0 ? t('Nobody else is called so.') : rows.length > 0 ? plural(rows.length, '{count} found', '{count} found') : ''}
      </p>
    </form>
  )
}
