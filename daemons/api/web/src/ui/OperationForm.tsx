/** The form of what a resource that speaks no SQL is asked. Apps and workflows share it. */
import { FileUp, ListTree } from 'lucide-react'
import { Suspense, lazy, useState } from 'react'
import type { Operation } from '../api/types'
import type { Fields } from '../document/described'
import { operationFields } from '../document/operation-fields'
import { type OperationName, operationKinds, operationsOf } from '../document/operations'
import { Button } from './Button'
import { DescribedFields } from './DescribedFields'
import { SelectField } from './Field'

const OpenApiDialog = lazy(() => import('./OpenApiDialog').then((module) => ({ default: module.OpenApiDialog })))
const GrpcMethodDialog = lazy(() => import('./GrpcMethodDialog').then((module) => ({ default: module.GrpcMethodDialog })))

interface Props {
  resource: string
  /** The kind of the resource. */
  kind: string | undefined
  operation: Operation
  /** Changes with the same key within a moment are one step of undo. */
  onChange: (operation: Operation, key?: string) => void
}

export function OperationForm({ resource, kind, operation, onChange }: Props) {
  const [isPicking, setPicking] = useState(false)
  const offered = operationsOf[kind ?? ''] ?? [operation.do]
  const pick = {
    onClose: () => setPicking(false),
    onPick: (next: Operation) => {
      setPicking(false)
      onChange(next)
    },
  }
  return (
    <div className="stack operation">
      {offered.length > 1 ? (
        <SelectField label="Operation" value={operation.do} options={offered.map((name) => [name, operationKinds[name].label] as const)} onChange={({ target }) => onChange(operationKinds[target.value as OperationName].begin)} />
      ) : null}
      {operation.do === 'request' || operation.do === 'grpc' ? (
        <div>
          <Button size="small" icon={operation.do === 'grpc' ? ListTree : FileUp} onClick={() => setPicking(true)}>
            {operation.do === 'grpc' ? 'Choose a method' : 'From OpenAPI'}
          </Button>
        </div>
      ) : null}
      {isPicking ? <Suspense>{operation.do === 'grpc' ? <GrpcMethodDialog resource={resource} {...pick} /> : <OpenApiDialog {...pick} />}</Suspense> : null}
      <DescribedFields isCode fields={operationFields[operation.do]} value={operation as unknown as Fields} onChange={(next, key) => onChange(next as unknown as Operation, key)} />
    </div>
  )
}
