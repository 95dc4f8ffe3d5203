/** Above a preview: as whom the app is looked at. What components show and hide follows; queries run as oneself, since the server knows who asks. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, dataOf } from '../api/client'
import type { Session, Translations } from '../api/types'
import { useRuntime } from '../components/runtime-context'
import { languageName } from '../runtime/texts'
import { SelectField } from '../ui/Field'
import { t } from '../messages/messages'

const self = 'self'
const nobody = 'none'
const prefix = 'group '

export function PreviewBar({ user, translations }: { user: Session['user']; translations: Translations | null | undefined }) {
  const runtime = useRuntime()
  const groups = useQuery({ queryKey: ['groups'], retry: false, meta: { showsError: true }, queryFn: async () => (await dataOf(api.GET('/api/v1/groups'))).groups })
  const [chosen, setChosen] = useState(self)
  const [language, setLanguage] = useState(() => runtime.texts().language)
  useEffect(() => {
    const { id, email, name, is_admin } = user
    const seen = chosen === self ? { is_admin, groups: user.groups } : { is_admin: false, groups: chosen.startsWith(prefix) ? [chosen.slice(prefix.length)] : [] }
    runtime.setGlobal('current_user', { id, email, name, ...seen })
  }, [chosen, runtime, user])
  useEffect(() => {
    const { id, email, name, is_admin, groups: own } = user
    return () => runtime.setGlobal('current_user', { id, email, name, is_admin, groups: own })
  }, [runtime, user])
  const names = groups.data?.map(({ name }) => name) ?? user.groups
  return (
    <div className="preview-bar">
      <SelectField
        label={t('Preview as')}
        value={chosen}
        options={[[self, t('Yourself ({name})', { name: user.name })], [nobody, t('Somebody in no group')], ...names.map((name) => [`${prefix}${name}`, t('A member of {name}', { name })] as const)]}
        onChange={({ target }) => setChosen(target.value)}
      />
      {translations && translations.languages.length > 1 ? (
        <SelectField
          label={t('Language')}
          value={language}
          options={translations.languages.map((one) => [one, languageName(one)] as const)}
          onChange={({ target }) => {
            setLanguage(target.value)
            runtime.setLanguages([target.value])
          }}
        />
      ) : null}
      {chosen === self ? null : <p className="muted">{t('Components see this person; queries still run as you.')}</p>}
    </div>
  )
}
