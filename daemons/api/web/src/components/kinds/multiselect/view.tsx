/** Several choices of many. */
import { X } from 'lucide-react'
import { useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { Combobox } from '../../choice/Combobox'
import { isSame, optionsOf } from '../../choice/options'
import { InputField, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const input = useInput<unknown[]>(props)
  const { read, value: chosen } = input
  const options = useMemo(() => optionsOf(read), [read])
  const without = (value: unknown) => chosen.filter((one) => !isSame(one, value))
  const isChosen = (value: unknown) => chosen.some((one) => isSame(one, value))
  return (
    <InputField input={input}>
      <Combobox
        input={input as ReturnType<typeof useInput<unknown>>}
        options={options}
        chosen={chosen}
        isMultiple
        text=""
        placeholder={chosen.length === 0 ? textOf(read('placeholder')) || 'Choose…' : ''}
        canClear={chosen.length > 0 && !input.isDisabled}
        before={chosen.map((value) => {
          const label = options.find((option) => isSame(option.value, value))?.label ?? textOf(value)
          return (
            <span key={textOf(value)} className="app-chip">
              <span className="truncate">{label}</span>
              {input.isDisabled ? null : (
                <button type="button" aria-label={t('Remove {name}', { name: label })} onClick={() => input.set(without(value))}>
                  <X className="icon" strokeWidth={1.5} aria-hidden />
                </button>
              )}
            </span>
          )
        })}
        onChoose={({ value }) => input.set(isChosen(value) ? without(value) : [...chosen, value])}
        onClear={() => input.set([])}
        onBackspace={() => {
          if (chosen.length > 0) input.set(chosen.slice(0, -1))
        }}
      />
    </InputField>
  )
}
