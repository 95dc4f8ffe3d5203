/** A property that is code: edited as such, and kept as it is. */
import { CodeEditor } from '../ui/CodeEditor'

interface Props {
  label: string
  hint?: string
  language: 'javascript' | 'css'
  value: string
  onChange: (value: string) => void
}

export function CodeField({ label, hint, language, value, onChange }: Props) {
  return (
    <div className="field">
      <span className="label">{label}</span>
      <div className="code-field">
        <CodeEditor label={label} language={language} value={value} onChange={onChange} />
      </div>
      {hint ? <p className="hint">{hint}</p> : null}
    </div>
  )
}
