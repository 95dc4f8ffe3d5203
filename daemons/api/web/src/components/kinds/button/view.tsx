/** A button. */
import { Button } from '../../../ui/Button'
import { flagOf, textOf } from '../../../runtime/values'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from '../../runtime-context'

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const variant = textOf(read('variant'))
  const started = (component.events ?? []).flatMap(({ action }) => (action.do === 'run-query' ? [action.query] : []))
  const isBusy = useRuntimeState((state) => started.some((query) => state.queries[query]?.status === 'loading'))
  return (
    <Button variant={variant === 'primary' || variant === 'danger' ? variant : 'secondary'} disabled={flagOf(read('disabled'))} isBusy={isBusy} onClick={() => void runtime.trigger(name, 'click')}>
      {textOf(read('label')) || name}
    </Button>
  )
}
