/** A text to take along: read-only, copied by one press. */
import { Check, Copy } from 'lucide-react'
import { useId, useState } from 'react'
import { Button } from './Button'

export function CopyField({ label, value }: { label: string; value: string }) {
  const id = useId()
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(value)
    setCopied(true)
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <div className="copy-field">
        <input id={id} className="input" readOnly value={value} onFocus={(event) => event.target.select()} />
        <Button icon={isCopied ? Check : Copy} onClick={() => void copy()}>
          {isCopied ? 'Copied' : 'Copy'}
        </Button>
      </div>
    </div>
  )
}
