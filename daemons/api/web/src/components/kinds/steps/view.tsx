/** A form in several parts, one after the other. */
import { Check } from 'lucide-react'
import { useMemo, useRef } from 'react'
import { textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { gridsOf } from '../../choice/grids'
import { isSame, optionsOf } from '../../choice/options'
import '../../containers.css'
import { focusProblem, useInput } from '../../input'
import { type ViewProps, useRuntime } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'
import { t } from '../../../messages/messages'

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const element = useRef<HTMLDivElement>(null)
  const isCanvas = useIsCanvas()
  const { value, read, set } = useInput<unknown>(props)
  const steps = useMemo(() => optionsOf((property) => read(property === 'options' ? 'steps' : property)), [read])
  const at = Math.max(0, steps.findIndex((step) => isSame(step.value, value)))
  const grid = useMemo(() => gridsOf(name, steps)[at], [name, steps, at])
  const [current, previous, next] = [steps[at], steps[at - 1], steps[at + 1]]
  if (!current) return <p className="muted app-empty">{t('No steps yet.')}</p>
  /** On the canvas one goes from step to step, and nothing happens by it. */
  const show = (step: unknown) => (isCanvas ? runtime.setComponent(name, { value: step }) : set(step))
  const goOn = async () => {
    if (isCanvas) return show((next ?? steps[0])?.value)
    if (next && runtime.isFilledIn(name, grid)) show(next.value)
    else if (next || (await runtime.submit(name)) === 'invalid') focusProblem(element.current)
  }
  return (
    <div ref={element} className="app-container framed" role="group" aria-label={name}>
      <ol className="app-steps">
        {steps.map((step, index) => (
          <li key={textOf(step.value)} className={index < at ? 'done' : index === at ? 'now' : ''} aria-current={index === at ? 'step' : undefined}>
            <span className="number" aria-hidden>
              {index < at ? <Check className="icon" size={12} strokeWidth={2} /> : index + 1}
            </span>
            <span className="step-label truncate">{step.label}</span>
            {index < at ? <span className="visually-hidden">, done</span> : null}
          </li>
        ))}
      </ol>
      <div className="app-slot">
        <Slot key={textOf(current.value)} {...grid} />
      </div>
      <div className="app-container-foot">
        <Button disabled={!previous} onClick={() => previous && show(previous.value)}>
          {t('Back')}
        </Button>
        <Button variant="primary" onClick={() => void goOn()}>
          {next ? t('Next') : textOf(read('submit-label')) || t('Finish')}
        </Button>
      </div>
    </div>
  )
}
