/** What all inputs share: their value, label, hint, and what is wrong with them. */
import { type ReactNode, useId } from 'react'
import { type Read, heldValue, problemOf } from '../runtime/kinds'
import { flagOf, textOf } from '../runtime/values'
import './inputs.css'
import { type ViewProps, useProperties, useRuntime, useRuntimeState } from './runtime-context'

export interface Input<T> {
  id: string
  name: string
  value: T
  read: Read
  isDisabled: boolean
  isRequired: boolean
  problem: string | undefined
  /** Takes a value, and tells of the change. */
  set: (value: T) => void
  /** From now on the input says what is wrong with it. */
  leave: () => void
  /** What the control carries for assistive technology. */
  control: {
    id: string
    disabled: boolean
    'aria-required': true | undefined
    'aria-invalid': true | undefined
    'aria-describedby': string | undefined
    'aria-label': string | undefined
  }
}

export function useInput<T>(props: ViewProps): Input<T> {
  const { name, component } = props
  const runtime = useRuntime()
  const id = useId()
  const read = useProperties(props)
  const state = useRuntimeState(({ components }) => components[name])
  const isChecked = useRuntimeState(({ checked }) => checked[name] ?? false)
  const value = heldValue(component.type, state, read) as T
  const isDisabled = flagOf(read('disabled'))
  const isRequired = flagOf(read('required'))
  const problem = isChecked && !isDisabled ? problemOf(component.type, value, read, state) : undefined
  const isDescribed = problem !== undefined || textOf(read('hint')) !== ''
  return {
    id,
    name,
    value,
    read,
    isDisabled,
    isRequired,
    problem,
    set: (next) => {
      runtime.setComponent(name, { value: next })
      void runtime.trigger(name, 'change')
    },
    leave: () => runtime.check(name),
    control: {
      id,
      disabled: isDisabled,
      'aria-required': isRequired || undefined,
      'aria-invalid': problem === undefined ? undefined : true,
      'aria-describedby': isDescribed ? `${id}-below` : undefined,
      'aria-label': textOf(read('label')) === '' ? textOf(read('placeholder')) || name : undefined,
    },
  }
}

/** Leads to the first input that something is wrong with, once it says so: to the field itself, or to the first control of several. */
export function focusProblem(within: HTMLElement | null): void {
  requestAnimationFrame(() => {
    const at = within?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid]')
    const control = at?.matches('input, select, textarea, button') ? at : (at?.querySelector<HTMLElement>(':is(input, select, textarea):enabled:checked') ?? at?.querySelector<HTMLElement>(':is(input, select, textarea, button):enabled'))
    ;(control ?? at)?.focus()
  })
}

/** The label above an input, and the hint or problem below it. */
export function InputField<T>({ input, children }: { input: Input<T>; children: ReactNode }) {
  const label = textOf(input.read('label'))
  return (
    <div className="field app-field">
      {label ? (
        <label className="label" htmlFor={input.id} id={`${input.id}-label`}>
          {label}
          {input.isRequired ? <RequiredMark /> : null}
        </label>
      ) : null}
      {children}
      <Below input={input} />
    </div>
  )
}

/** Several controls with one label: radio buttons, a file with its button. */
export function InputGroup<T>({ input, role = 'group', children }: { input: Input<T>; role?: 'group' | 'radiogroup'; children: ReactNode }) {
  const label = textOf(input.read('label'))
  const { 'aria-describedby': described, 'aria-invalid': invalid } = input.control
  const isRadio = role === 'radiogroup'
  return (
    <div
      className="field app-field"
      role={role}
      aria-label={label ? undefined : input.name}
      aria-labelledby={label ? `${input.id}-label` : undefined}
      aria-describedby={described}
      aria-required={isRadio && input.isRequired ? true : undefined}
      aria-invalid={isRadio ? invalid : undefined}
      data-invalid={invalid}
    >
      {label ? (
        <span className="label" id={`${input.id}-label`}>
          {label}
          {input.isRequired ? <RequiredMark /> : null}
        </span>
      ) : null}
      {children}
      <Below input={input} />
    </div>
  )
}

export function RequiredMark() {
  return (
    <span className="app-required" aria-hidden>
      *
    </span>
  )
}

export function Below<T>({ input }: { input: Input<T> }) {
  const hint = textOf(input.read('hint'))
  const text = input.problem ?? hint
  if (text === '') return null
  return (
    <p id={`${input.id}-below`} title={text} className={input.problem === undefined ? 'hint' : 'error'}>
      {text}
    </p>
  )
}
