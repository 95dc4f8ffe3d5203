/** The form of what a resource that speaks no SQL is asked. Apps and workflows share it. */
import type { Operation } from '../api/types'
import type { Fields } from '../document/described'
import { type OperationName, operationKinds, operationsOf } from '../document/operations'
import { DescribedFields } from './DescribedFields'
import { SelectField } from './Field'

interface Props {
  /** The kind of the resource. */
  kind: string | undefined
  operation: Operation
  /** Changes with the same key within a moment are one step of undo. */
  onChange: (operation: Operation, key?: string) => void
}

export function OperationForm({ kind, operation, onChange }: Props) {
  const offered = operationsOf[kind ?? ''] ?? [operation.do]
  return (
    <div className="stack operation">
      {offered.length > 1 ? (
        <SelectField label="Operation" value={operation.do} options={offered.map((name) => [name, operationKinds[name].label] as const)} onChange={({ target }) => onChange(operationKinds[target.value as OperationName].begin)} />
      ) : null}
      <DescribedFields isCode fields={operationKinds[operation.do].fields} value={operation as unknown as Fields} onChange={(next, key) => onChange(next as unknown as Operation, key)} />
    </div>
  )
}
