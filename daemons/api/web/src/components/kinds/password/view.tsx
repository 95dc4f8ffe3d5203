/** A text that nobody beside shall read. */
import { Eye, EyeOff } from 'lucide-react'
import { useState } from 'react'
import { flagOf } from '../../../runtime/values'
import { TextLine } from '../../TextLine'
import { type ViewProps, useProperty } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const [isShown, setShown] = useState(false)
  const isNew = flagOf(useProperty(props.name, 'new'))
  const Icon = isShown ? EyeOff : Eye
  return (
    <TextLine
      props={props}
      type={isShown ? 'text' : 'password'}
      autoComplete={isNew ? 'new-password' : 'off'}
      after={
        <button type="button" className="app-combo-button app-field-button" aria-label={t('Show what is written')} aria-pressed={isShown} onClick={() => setShown(!isShown)}>
          <Icon className="icon" strokeWidth={1.5} aria-hidden />
        </button>
      }
    />
  )
}
