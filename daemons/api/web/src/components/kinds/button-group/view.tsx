/** Several buttons beside each other. */
import { useMemo } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { optionsOf } from '../../choice/options'
import '../../display.css'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'

const most = 20

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const buttons = useMemo(() => optionsOf((property) => read(property === 'options' ? 'buttons' : property)), [read])
  const started = (component.events ?? []).flatMap(({ action }) => (action.do === 'run-query' ? [action.query] : []))
  const isBusy = useRuntimeState((state) => started.some((query) => state.queries[query]?.status === 'loading'))
  const pressed = useRuntimeState(({ components }) => components[name]?.pressed)
  const isPrimary = textOf(read('variant')) === 'primary'
  return (
    <div className={`app-buttons ${textOf(read('align'))}`} role="group" aria-label={name}>
      {buttons.slice(0, most).map((button, index) => (
        <Button
          key={textOf(button.value)}
          variant={isPrimary && index === 0 ? 'primary' : 'secondary'}
          disabled={flagOf(read('disabled')) || isBusy}
          isBusy={isBusy && pressed === button.value}
          onClick={() => {
            runtime.setComponent(name, { pressed: button.value })
            void runtime.trigger(name, 'click')
          }}
        >
          {button.label}
        </Button>
      ))}
    </div>
  )
}
