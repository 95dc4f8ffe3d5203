/** The code editor, loaded when the first one is shown. */
import { Suspense, lazy } from 'react'
import type { CodeEditorProps } from './code-mirror'

const Loaded = lazy(async () => ({ default: (await import('./code-mirror')).CodeMirrorEditor }))

export function CodeEditor(props: CodeEditorProps) {
  return (
    <Suspense fallback={<div className="editor editor-waiting" />}>
      <Loaded {...props} />
    </Suspense>
  )
}
