/** The editor for JavaScript of an app: it completes the app's names, and marks what is no JavaScript. */
import { useMemo } from 'react'
import { useRuntime } from '../../components/runtime-context'
import { codeProblem } from '../../document/places'
import { CodeEditor } from '../../ui/CodeEditor'
import type { EditorFault } from '../../ui/code-mirror'
import type { AppRuntime } from '../../runtime/runtime'
import { type Completion, completionsAt } from '../assist/complete'
import { valuesNow } from '../assist/values'
import { methodSpecs, signatureOf } from '../method-specs'

interface Props {
  label: string
  value: string
  /** Whether methods may be called: a transformer has no effects. */
  mayAct?: boolean
  isShort?: boolean
  placeholderText?: string
  onChange: (value: string) => void
  onRun?: () => void
}

function methodsOf(runtime: AppRuntime, name: string): Completion[] {
  const component = runtime.componentOf(name)
  if (!component) return runtime.methodsOf(name).map((label) => ({ label, detail: 'method', isMethod: true }))
  return methodSpecs(component.type).map((method) => ({ label: method.name, detail: `${signatureOf(method)}: ${method.text.toLowerCase()}`, isMethod: true }))
}

const scriptNames = { notify: 'notify(text)', navigate: 'navigate(page)', utils: {}, console: {}, args: {} }

export function AppCodeEditor({ mayAct = false, ...editor }: Props) {
  const runtime = useRuntime()
  const { value } = editor
  const problem = useMemo(() => (value.trim() === '' ? undefined : codeProblem(value)), [value])
  const faults: EditorFault[] = useMemo(() => (problem === undefined ? [] : [{ message: problem, line: 1 }]), [problem])
  const complete = (before: string) => completionsAt(before, true, { ...valuesNow(runtime), ...(mayAct ? scriptNames : {}) }, mayAct ? (name) => methodsOf(runtime, name) : undefined, runtime.texts().texts)
  return <CodeEditor {...editor} language="javascript" faults={faults} complete={complete} />
}
