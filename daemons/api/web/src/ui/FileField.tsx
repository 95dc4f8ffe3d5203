/** A file that is part of a document: its bytes as base64. */
import { FileDrop } from './FileDrop'
import { bytes } from './format'

interface Props {
  label: string
  hint?: string | undefined
  error?: string | undefined
  accept: string
  value: string
  onChange: (base64: string) => void
}

export function FileField({ label, hint, error, accept, value, onChange }: Props) {
  const size = Math.floor((value.replace(/=+$/, '').length * 3) / 4)
  return (
    <div className="field">
      <span className="label">{label}</span>
      <FileDrop label={value === '' ? `Drop a file here, or choose one (${accept})` : `${bytes(size)} are here; drop another file to replace them`} accept={accept} onBase64={onChange} />
      {error ? <p className="error">{error}</p> : hint ? <p className="hint">{hint}</p> : null}
    </div>
  )
}
