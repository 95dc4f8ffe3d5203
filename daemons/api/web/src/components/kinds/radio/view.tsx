/** One choice of few, all of them in sight. */
import { useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { isSame, optionsOf } from '../../choice/options'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import { plural, t } from '../../../messages/messages'

/** More are for a select. */
const most = 100

export function View(props: ViewProps) {
  const input = useInput<unknown>(props)
  const { read, value } = input
  const options = useMemo(() => optionsOf(read), [read])
  return (
    <InputGroup input={input} role="radiogroup">
      <div className={textOf(read('direction')) === 'row' ? 'app-radios in-row' : 'app-radios'}>
        {options.slice(0, most).map((option) => (
          <label key={textOf(option.value)} className="check app-check">
            <input type="radio" name={input.id} disabled={input.isDisabled} checked={value !== null && isSame(option.value, value)} onChange={() => input.set(option.value)} onBlur={input.leave} />
            <span>{option.label}</span>
          </label>
        ))}
        {options.length > most ? <p className="hint">{plural(options.length - most, '{count} more is not shown: use a select.', '{count} more are not shown: use a select.')}</p> : null}
        {options.length === 0 ? <p className="hint">{t('There is nothing to choose from.')}</p> : null}
      </div>
    </InputGroup>
  )
}
