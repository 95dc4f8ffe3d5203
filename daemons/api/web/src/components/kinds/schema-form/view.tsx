/** Fields as a JSON schema describes them. */
import { useMemo } from 'react'
import { InputGroup, useInput } from '../../input'
import { type ViewProps, useRuntime, useRuntimeState } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { SchemaFields } from './SchemaFields'
import { problemsOf, schemaOf } from './schema'
import './schema-form.css'

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const input = useInput<unknown>(props)
  const isChecked = useRuntimeState(({ checked }) => checked[props.name] ?? false)
  const given = input.read('schema')
  const schema = useMemo(() => schemaOf(given), [given])
  const { value } = input
  const problems = useMemo(() => (schema && isChecked ? problemsOf(schema, value) : {}), [schema, value, isChecked])
  if (!schema) return <p className="muted app-empty">{t('No schema yet.')}</p>
  return (
    <InputGroup input={input}>
      <div
        className="schema-form"
        onBlur={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget)) input.leave()
        }}
      >
        <SchemaFields
          schema={schema}
          value={value}
          path=""
          depth={0}
          isDisabled={input.isDisabled}
          problems={problems}
          onChange={(next) => {
            runtime.setComponent(props.name, { isValid: Object.keys(problemsOf(schema, next)).length === 0 })
            input.set(next)
          }}
        />
      </div>
    </InputGroup>
  )
}
