/** Saves all rows of a query as it stands in an editor, whatever its limits are. For queries that read by SQL. */
import { FileDown, X } from 'lucide-react'
import type { Export } from '../api/export'
import type { ExportFormat } from '../api/types'
import { type Ask, isWrite } from '../document/query-ask'
import { useKind } from './AskFields'
import { Button } from './Button'
import { MenuButton, MenuItem } from './MenuButton'
import { exportFormats } from './export-formats'
import { bytes } from './format'
import { useExport } from './use-export'

/** Kinds of resources that give their rows one by one. */
const streaming = new Set(['postgresql', 'mysql', 'sql-server', 'clickhouse', 'sqlite'])

interface Props {
  ask: Ask & { resource: string }
  isDisabled?: boolean
  /** What is sent, with its values as they are now. */
  prepare: (format: ExportFormat) => Promise<Export>
}

export function ExportButton({ ask, isDisabled = false, prepare }: Props) {
  const kind = useKind(ask.resource)
  const { count, begin, cancel } = useExport()
  if (isWrite(ask) || ask.operation || kind === undefined || !streaming.has(kind)) return null
  if (count !== undefined) {
    return (
      <Button size="small" icon={X} onClick={cancel}>
        Cancel export ({bytes(count)})
      </Button>
    )
  }
  const save = (format: ExportFormat) =>
    void begin(async (onBytes, signal) => {
      const [{ exportRows }, wanted] = await Promise.all([import('../api/export'), prepare(format)])
      return exportRows(wanted, onBytes, signal)
    })
  return (
    <MenuButton text="Export all rows" label="Export all rows" size="small" isDisabled={isDisabled}>
      {exportFormats.map(([format, text]) => (
        <MenuItem key={format} icon={FileDown} onChoose={() => save(format)}>
          {text}
        </MenuItem>
      ))}
    </MenuButton>
  )
}
