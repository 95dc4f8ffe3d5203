/** How an SSH host lets Bulkhead in: by a key pair or a password. What is stored is never shown. */
import { SelectField, TextAreaField, TextField } from '../ui/Field'
import type { SecretDraft } from './ssh-hosts'

interface Props {
  draft: SecretDraft
  /** Whether one must be entered: there is none, or it does not follow the change. */
  isNeeded: boolean
  /** Whether there is one that does not follow. */
  isMoved: boolean
  faultOf: (path: string) => string | undefined
  onChange: (draft: SecretDraft) => void
}

export function SshSecretFields({ draft, isNeeded, isMoved, faultOf, onChange }: Props) {
  const unchanged = isNeeded ? '' : 'Unchanged'
  const sealed = isMoved ? 'Host, port, user, way or kind of log-in changed: enter it again.' : 'Sealed as soon as it arrives: only the SSH connector can open it.'
  return (
    <>
      <SelectField
        label="Log-in"
        value={draft.authentication}
        options={[
          ['key', 'Private key'],
          ['password', 'Password'],
        ]}
        onChange={({ target }) => onChange({ ...draft, authentication: target.value === 'password' ? 'password' : 'key' })}
      />
      {draft.authentication === 'password' ? (
        <TextField label="Password" type="password" autoComplete="new-password" required={isNeeded} placeholder={unchanged} hint={sealed} error={faultOf('secret.password') ?? faultOf('secret')} value={draft.password} onChange={({ target }) => onChange({ ...draft, password: target.value })} />
      ) : (
        <>
          <TextAreaField
            label="Private key"
            className="mono"
            rows={4}
            autoComplete="off"
            required={isNeeded}
            placeholder={unchanged || '-----BEGIN OPENSSH PRIVATE KEY-----'}
            hint={`${sealed} Of type ed25519 or ecdsa: ssh-keygen -t ed25519 makes one.`}
            error={faultOf('secret.private-key') ?? faultOf('secret')}
            value={draft.privateKey}
            onChange={({ target }) => onChange({ ...draft, privateKey: target.value })}
          />
          {draft.privateKey === '' ? null : <TextField label="Passphrase" type="password" autoComplete="new-password" placeholder="None" hint="Where the key is protected by one." error={faultOf('secret.passphrase')} value={draft.passphrase} onChange={({ target }) => onChange({ ...draft, passphrase: target.value })} />}
        </>
      )}
    </>
  )
}
