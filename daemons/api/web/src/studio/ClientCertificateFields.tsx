/** The certificate by which a resource's server knows who asks, and its private key. What is stored of the key is never shown. */
import { useState } from 'react'
import { TextAreaField } from '../ui/Field'

interface Props {
  certificate: string
  clientKey: string
  /** Whether a key may be stored already. */
  isStored: boolean
  faultOf: (path: string) => string | undefined
  onChange: (certificate: string, clientKey: string) => void
}

export function ClientCertificateFields({ certificate, clientKey, isStored, faultOf, onChange }: Props) {
  const faults = [faultOf('config.client-certificate'), faultOf('client_key')]
  const [isOpen, setOpen] = useState(certificate !== '')
  return (
    <details className="more-settings" open={isOpen || faults.some((fault) => fault !== undefined)} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Client certificate{certificate === '' ? '' : ': one is shown'}</summary>
      <div className="stack compact">
        <TextAreaField
          label="Certificate"
          className="mono"
          rows={4}
          autoComplete="off"
          placeholder="-----BEGIN CERTIFICATE-----"
          hint="Only where the server demands one. The authorities between it and the server's follow it."
          error={faults[0]}
          value={certificate}
          onChange={({ target }) => onChange(target.value, clientKey)}
        />
        {certificate === '' ? null : (
          <TextAreaField
            label="Private key"
            className="mono"
            rows={4}
            autoComplete="off"
            placeholder={isStored ? 'Unchanged' : '-----BEGIN PRIVATE KEY-----'}
            hint="Sealed together with the secret: whoever enters one of them anew enters both. Without a passphrase."
            error={faults[1]}
            value={clientKey}
            onChange={({ target }) => onChange(certificate, target.value)}
          />
        )}
      </div>
    </details>
  )
}
