/** Inputs that are sent together, when nothing is wrong with them. */
import { useId, useRef } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import '../../containers.css'
import { focusProblem } from '../../input'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const id = useId()
  const isCanvas = useIsCanvas()
  const element = useRef<HTMLFormElement>(null)
  const title = textOf(read('title'))
  const queries = (component.events ?? []).flatMap(({ action }) => (action.do === 'run-query' ? [action.query] : []))
  const isBusy = useRuntimeState((state) => queries.some((query) => state.queries[query]?.status === 'loading'))
  const send = async () => {
    const outcome = await runtime.submit(name)
    if (outcome === 'invalid') focusProblem(element.current)
    else if (outcome === 'sent' && flagOf(read('reset-after'))) runtime.reset(name)
  }
  return (
    <form
      ref={element}
      className="app-container framed"
      noValidate
      aria-labelledby={title ? id : undefined}
      aria-label={title ? undefined : name}
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        void send()
      }}
    >
      {title ? (
        <h3 className="app-container-title" id={id}>
          {title}
        </h3>
      ) : null}
      <div className="app-slot">
        <Slot parent={name} />
      </div>
      {/* What is edited is not sent. */}
      <div className="app-container-foot" inert={isCanvas}>
        {flagOf(read('resettable')) ? <Button onClick={() => runtime.reset(name)}>{t('Reset')}</Button> : null}
        <Button variant="primary" type="submit" isBusy={isBusy} disabled={flagOf(read('disabled'))}>
          {textOf(read('submit-label')) || t('Submit')}
        </Button>
      </div>
    </form>
  )
}
