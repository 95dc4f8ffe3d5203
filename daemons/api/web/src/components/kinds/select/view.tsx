/** One choice of many. */
import { useMemo } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { Combobox } from '../../choice/Combobox'
import { isSame, optionsOf } from '../../choice/options'
import { InputField, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

export function View(props: ViewProps) {
  const input = useInput<unknown>(props)
  const { read, value } = input
  const options = useMemo(() => optionsOf(read), [read])
  const isChosen = value !== null && value !== ''
  const option = options.find((one) => isSame(one.value, value))
  return (
    <InputField input={input}>
      <Combobox
        input={input}
        options={options}
        chosen={isChosen ? [value] : []}
        text={isChosen ? (option?.label ?? textOf(value)) : ''}
        placeholder={textOf(read('placeholder')) || 'Choose…'}
        canClear={isChosen && !input.isDisabled && flagOf(read('clearable') ?? true)}
        onChoose={(chosen) => input.set(chosen.value)}
        onClear={() => input.set(null)}
      />
    </InputField>
  )
}
