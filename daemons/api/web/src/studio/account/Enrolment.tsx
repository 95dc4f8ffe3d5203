/** Setting a second factor up: the code to scan, the first code to enter, the recovery codes to keep. */
import { type FormEvent, useState } from 'react'
import type { SecondFactorBegun } from '../../api/types'
import { Button } from '../../ui/Button'
import { CopyField } from '../../ui/CopyField'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import './account.css'
import { t } from '../../messages/messages'

/** Units around the drawing, without which telephones do not find it. */
const margin = 4

export function CodeToScan({ begun: { secret, qr_path, qr_size } }: { begun: SecondFactorBegun }) {
  const whole = qr_size + 2 * margin
  return (
    <>
      <p>{t('Scan this with an authenticator app, or type the secret into it.')}</p>
      <svg className="qr" role="img" aria-label={t('QR code of the secret')} viewBox={`${-margin} ${-margin} ${whole} ${whole}`} shapeRendering="crispEdges">
        <rect x={-margin} y={-margin} width={whole} height={whole} className="qr-paper" />
        <path d={qr_path} className="qr-ink" />
      </svg>
      <CopyField label={t('Secret')} value={secret} />
    </>
  )
}

export function CodeForm({ label, action, isBusy, error, hint, onCode }: { label: string; action: string; isBusy: boolean; error: unknown; hint?: string; onCode: (code: string) => void }) {
  const [code, setCode] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onCode(code)
  }
  return (
    <form className="stack" onSubmit={submit}>
      <ErrorNotice error={error} />
      <TextField label={label} hint={hint} autoComplete="one-time-code" required autoFocus maxLength={40} value={code} onChange={(event) => setCode(event.target.value)} />
      <Button type="submit" variant="primary" size="wide" isBusy={isBusy}>
        {action}
      </Button>
    </form>
  )
}

export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  return (
    <>
      <p>{t('Keep these where you find them without your telephone. Each lets you in once, and they are not shown again.')}</p>
      <ol className="recovery-codes mono" aria-label={t('Recovery codes')}>
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <CopyField label={t('All in one line')} value={codes.join(' ')} />
    </>
  )
}
