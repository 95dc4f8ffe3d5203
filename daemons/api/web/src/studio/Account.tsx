/** One's own account: with which accounts elsewhere one logs in, the second factor, sessions, tokens, and the language of this browser. */
import { useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { api, dataOf } from '../api/client'
import { Button } from '../ui/Button'
import { SelectField } from '../ui/Field'
import { RelativeTime } from '../ui/format'
import { Loaded } from '../ui/states'
import { type Language, chooseLanguage, chosenLanguage, languages, t } from '../messages/messages'
import { PageHead } from './PageHead'
import { SignInButtons } from './SignInButtons'
import './account/account.css'
import { SecondFactor } from './account/SecondFactor'
import { Sessions } from './account/Sessions'
import { Tokens } from './account/Tokens'
import { useSession } from './session'
import { useRemoval } from './use-removal'

export function Account() {
  const { user } = useSession()
  const accounts = useQuery({ queryKey: ['sign-ins'], queryFn: () => dataOf(api.GET('/api/v1/account/sign-ins')) })
  const confirmed = useRemoval('sign-ins')
  return (
    <>
      <PageHead title={t('Your account')} />
      <div className="page-body padded account">
        <p>
          {user.name}, {user.email}
        </p>
        <section className="stack">
          <h2>{t('Accounts that you log in with')}</h2>
          <Loaded query={accounts}>
            {({ accounts: all }) =>
              all.length === 0 ? (
                <p className="muted">{t('None: you log in with your password.')}</p>
              ) : (
                <table className="list">
                  <thead>
                    <tr>
                      <th>{t('Account')}</th>
                      <th className="wide-only">{t('Used')}</th>
                      <th>
                        <span className="visually-hidden">{t('Actions')}</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {all.map(({ issuer, subject, email, used_at }) => (
                      <tr key={`${issuer} ${subject}`}>
                        <td>
                          <strong>{email}</strong>
                          <div className="muted">{issuer}</div>
                        </td>
                        <td className="wide-only muted">{used_at ? <RelativeTime at={used_at} /> : t('Never')}</td>
                        <td className="actions">
                          <Button
                            variant="ghost"
                            size="small"
                            icon={Trash2}
                            label={t('Remove {name}', { name: email })}
                            onClick={() =>
                              void confirmed({ title: t('Remove {name}?', { name: email }), text: t('It no longer logs you in.'), confirm: t('Remove account') }, () => api.POST('/api/v1/account/sign-ins/remove', { body: { issuer, subject } }))
                            }
                          />
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )
            }
          </Loaded>
          <SignInButtons adds next="/account" />
        </section>
        <SecondFactor />
        <Sessions />
        <Tokens />
        <LanguageField />
      </div>
    </>
  )
}

function LanguageField() {
  const options = [['', t('As the browser')], ...Object.entries(languages)] as [string, string][]
  return (
    <div className="narrow-field">
      <SelectField label={t('Language')} options={options} value={chosenLanguage() ?? ''} onChange={({ target }) => chooseLanguage(target.value === '' ? undefined : (target.value as Language))} />
    </div>
  )
}
