/** A text in a programming language. The editor arrives when a page has one. */
import { textOf } from '../../../runtime/values'
import { CodeEditor } from '../../../ui/CodeEditor'
import { InputGroup, useInput } from '../../input'
import type { ViewProps } from '../../runtime-context'

const languages = ['javascript', 'sql', 'python'] as const

export function View(props: ViewProps) {
  const input = useInput<string>(props)
  const given = textOf(input.read('language'))
  const language = languages.find((one) => one === given) ?? 'javascript'
  return (
    <InputGroup input={input}>
      <div className={input.problem === undefined ? 'app-code' : 'app-code is-invalid'} inert={input.isDisabled} aria-disabled={input.isDisabled || undefined} onBlur={input.leave}>
        <CodeEditor label={textOf(input.read('label')) || props.name} language={language} value={input.value} onChange={input.set} />
      </div>
    </InputGroup>
  )
}
