/** Labelled inputs: the label, a hint or the error below, tied together for assistive technology. */
import { type ComponentProps, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from 'react'

interface FieldProps {
  label: string
  hint?: ReactNode
  error?: string | undefined
}

function useField({ label, hint, error }: FieldProps) {
  const id = useId()
  const described = error ? `${id}-error` : hint ? `${id}-hint` : undefined
  const wrap = (control: ReactNode) => (
    <div className="field">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      {control}
      {error ? (
        <p className="error" id={`${id}-error`}>
          {error}
        </p>
      ) : hint ? (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
    </div>
  )
  return { wrap, control: { id, className: 'input', 'aria-describedby': described, 'aria-invalid': error ? true : undefined } as const }
}

export function TextField({ label, hint, error, ...rest }: FieldProps & ComponentProps<'input'>) {
  const { wrap, control } = useField({ label, hint, error })
  return wrap(<input type="text" autoComplete="off" spellCheck={false} {...rest} {...control} className={`${control.className} ${rest.className ?? ''}`} />)
}

export function TextAreaField({ label, hint, error, ...rest }: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const { wrap, control } = useField({ label, hint, error })
  return wrap(<textarea spellCheck={false} {...rest} {...control} className={`${control.className} ${rest.className ?? ''}`} />)
}

export function SelectField({ label, hint, error, options, ...rest }: FieldProps & SelectHTMLAttributes<HTMLSelectElement> & { options: readonly (readonly [value: string, label: string])[] }) {
  const { wrap, control } = useField({ label, hint, error })
  return wrap(
    <select {...rest} {...control}>
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>,
  )
}

export function CheckField({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="check">
      <input type="checkbox" {...rest} />
      {label}
    </label>
  )
}
