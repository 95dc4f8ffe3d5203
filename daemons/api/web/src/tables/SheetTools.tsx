/** What one can do with the rows of a table: save, undo, add, delete, import, export. */
import { FileDown, FileUp, Plus, Redo2, RefreshCw, Save, Trash2, Undo2, X } from 'lucide-react'
import { type RefObject, Suspense, lazy, useState } from 'react'
import type { ExportFormat, Resource, TableDefinition } from '../api/types'
import { Button } from '../ui/Button'
import { MenuButton, MenuItem } from '../ui/MenuButton'
import { ask } from '../ui/ask'
import { exportFormats } from '../ui/export-formats'
import { bytes } from '../ui/format'
import { useExport } from '../ui/use-export'
import type { RowsView } from './asks'
import { type History, countOf, redo, undo } from './edits'
import { type SheetModel, rangeOf } from './use-sheet'

const ImportDialog = lazy(async () => ({ default: (await import('./ImportDialog')).ImportDialog }))

interface Props {
  resource: Resource
  table: TableDefinition
  view: RowsView
  history: History
  canEdit: boolean
  isSaving: boolean
  onHistory: (history: History) => void
  onSave: () => void
  onDiscard: () => void
  onReload: () => void
  model: RefObject<SheetModel | null>
}

export function SheetTools({ resource, table, view, history, canEdit, isSaving, onHistory, onSave, onDiscard, onReload, model }: Props) {
  const [isImporting, setImporting] = useState(false)
  const { count: exported, begin, cancel } = useExport()
  const edits = countOf(history.now)
  const save = (format: ExportFormat) =>
    void begin(async (onBytes, signal) => {
      const { exportRows } = await import('../api/export')
      return exportRows({ path: `/api/v1/resources/${resource.name}/tables/export`, body: { ...view }, format, name: table.name }, onBytes, signal)
    })
  const discard = async () => {
    if (await ask({ title: 'Discard all edits?', text: `${edits} edits are not saved. They cannot be brought back.`, confirm: 'Discard', isDanger: true })) onDiscard()
  }
  const act = (action: (model: SheetModel) => void) => {
    if (model.current) action(model.current)
  }
  return (
    <>
      <Button variant="ghost" icon={RefreshCw} label="Load again" onClick={onReload} />
      {canEdit ? (
        <>
          <Button variant="ghost" icon={Undo2} label="Undo (Ctrl+Z)" disabled={history.past.length === 0} onClick={() => onHistory(undo(history))} />
          <Button variant="ghost" icon={Redo2} label="Redo (Ctrl+Y)" disabled={history.future.length === 0} onClick={() => onHistory(redo(history))} />
        </>
      ) : null}
      <MenuButton text="Table" label="Table">
        {canEdit ? (
          <>
            <MenuItem icon={Plus} onChoose={() => act((now) => now.add())}>
              Add a row
            </MenuItem>
            <MenuItem icon={Trash2} isDanger onChoose={() => act((now) => now.remove())}>
              Delete selected rows
            </MenuItem>
            <MenuItem icon={X} onChoose={() => act((now) => now.write(rangeOf(now.selection), () => null))}>
              Set cells to NULL
            </MenuItem>
            <MenuItem icon={X} onChoose={() => act((now) => now.write(rangeOf(now.selection), () => ''))}>
              Set cells to empty text
            </MenuItem>
          </>
        ) : null}
        {resource.role === 'viewer' || table.is_view ? null : (
          <MenuItem icon={FileUp} onChoose={() => setImporting(true)}>
            Import a CSV file
          </MenuItem>
        )}
        {exportFormats.map(([format, text]) => (
          <MenuItem key={format} icon={FileDown} onChoose={() => save(format)}>
            Export as {text}
          </MenuItem>
        ))}
      </MenuButton>
      {exported === undefined ? null : (
        <Button icon={X} onClick={cancel}>
          Cancel export ({bytes(exported)})
        </Button>
      )}
      {edits > 0 ? (
        <Button onClick={() => void discard()} disabled={isSaving}>
          Discard
        </Button>
      ) : null}
      {canEdit ? (
        <Button variant="primary" icon={Save} isBusy={isSaving} disabled={edits === 0} onClick={onSave}>
          {edits === 0 ? 'Save' : `Save ${edits}`}
        </Button>
      ) : null}
      <Suspense>{isImporting ? <ImportDialog resource={resource.name} into={table} onClose={() => setImporting(false)} /> : null}</Suspense>
    </>
  )
}
