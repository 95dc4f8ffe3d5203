/** The one button. */
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import type { IconType } from './icons'

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'aria-label'> {
  variant?: 'primary' | 'secondary' | 'ghost' | 'danger'
  size?: 'small' | 'normal' | 'wide'
  icon?: IconType
  /** Shows that its work is under way; it cannot be pressed meanwhile. */
  isBusy?: boolean
  /** Names a button without text; also its tooltip. */
  label?: string
  children?: ReactNode
}

export function Button({ variant = 'secondary', size = 'normal', icon: Icon, isBusy = false, label, children, className = '', ...rest }: Props) {
  const classes = ['button', variant, size === 'normal' ? '' : size, children === undefined ? 'icon-only' : '', className]
  return (
    <button type="button" {...rest} className={classes.filter(Boolean).join(' ')} disabled={rest.disabled || isBusy} aria-label={label} aria-busy={isBusy || undefined} title={label ?? rest.title}>
      {isBusy ? <span className="spinner" /> : Icon ? <Icon className="icon" strokeWidth={1.5} aria-hidden /> : null}
      {children}
    </button>
  )
}
