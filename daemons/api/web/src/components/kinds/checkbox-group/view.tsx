/** Several choices of few, all of them in sight. */
import { useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { isSame, optionsOf } from '../../choice/options'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import { plural, t } from '../../../messages/messages'

/** More are for a multiselect. */
const most = 100

export function View(props: ViewProps) {
  const input = useInput<unknown[]>(props)
  const { read, value: chosen } = input
  const options = useMemo(() => optionsOf(read), [read])
  const isChosen = (value: unknown) => chosen.some((one) => isSame(one, value))
  const toggle = (value: unknown) => input.set(isChosen(value) ? chosen.filter((one) => !isSame(one, value)) : [...chosen, value])
  return (
    <InputGroup input={input}>
      <div className={textOf(read('direction')) === 'row' ? 'app-radios in-row' : 'app-radios'}>
        {options.slice(0, most).map((option) => (
          <label key={textOf(option.value)} className="check app-check">
            <input type="checkbox" disabled={input.isDisabled} checked={isChosen(option.value)} onChange={() => toggle(option.value)} onBlur={input.leave} />
            <span>{option.label}</span>
          </label>
        ))}
        {options.length > most ? <p className="hint">{plural(options.length - most, '{count} more is not shown: use a multiselect.', '{count} more are not shown: use a multiselect.')}</p> : null}
        {options.length === 0 ? <p className="hint">{t('There is nothing to choose from.')}</p> : null}
      </div>
    </InputGroup>
  )
}
