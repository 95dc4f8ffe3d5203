/** The form of what a resource that speaks no SQL is asked. Apps and workflows share it. */
import { FileUp } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import type { Operation } from '../api/types'
import type { Fields } from '../document/described'
import { type OperationName, operationKinds, operationsOf } from '../document/operations'
import { Button } from './Button'
import { DescribedFields } from './DescribedFields'
import { SelectField } from './Field'

const OpenApiDialog = lazy(() => import('./OpenApiDialog').then((module) => ({ default: module.OpenApiDialog })))

interface Props {
  /** The kind of the resource. */
  kind: string | undefined
  operation: Operation
  /** Changes with the same key within a moment are one step of undo. */
  onChange: (operation: Operation, key?: string) => void
}

export function OperationForm({ kind, operation, onChange }: Props) {
  const [isImporting, setImporting] = useState(false)
  const offered = operationsOf[kind ?? ''] ?? [operation.do]
  return (
    <div className="stack operation">
      {offered.length > 1 ? (
        <SelectField label="Operation" value={operation.do} options={offered.map((name) => [name, operationKinds[name].label] as const)} onChange={({ target }) => onChange(operationKinds[target.value as OperationName].begin)} />
      ) : null}
      {operation.do === 'request' ? (
        <div>
          <Button size="small" icon={FileUp} onClick={() => setImporting(true)}>
            From OpenAPI
          </Button>
        </div>
      ) : null}
      {isImporting ? (
        <Suspense>
          <OpenApiDialog
            onClose={() => setImporting(false)}
            onPick={(next) => {
              setImporting(false)
              onChange(next)
            }}
          />
        </Suspense>
      ) : null}
      <DescribedFields isCode fields={operationKinds[operation.do].fields} value={operation as unknown as Fields} onChange={(next, key) => onChange(next as unknown as Operation, key)} />
    </div>
  )
}
