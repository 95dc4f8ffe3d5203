/** Takes texts from a CSV file, as translators send one back; all of it is one step to undo. */
import { Upload } from 'lucide-react'
import { useId, useState } from 'react'
import type { AppDocument } from '../../api/types'
import { messageOf } from '../../api/problem'
import type { DraftStore } from '../../document/draft-store'
import { count } from '../../ui/format'
import { notify } from '../../ui/toasts'

/** Far beyond what an app may have. */
const maxBytes = 8 * 1024 * 1024
const shownLines = 3

export function CsvImport({ store }: { store: DraftStore<AppDocument> }) {
  const id = useId()
  const [rejected, setRejected] = useState<string[]>([])
  const take = async (file: File | undefined) => {
    const { translations } = store.getState().document
    if (!file || !translations) return
    setRejected([])
    try {
      if (file.size > maxBytes) throw new Error('The file is larger than the texts of any app.')
      const { withCsv } = await import('../../document/texts-csv')
      const read = withCsv(translations, await file.text())
      if (read.added + read.changed + read.languages.length > 0) store.edit((draft) => void (draft.translations = read.translations))
      notify(`${count(read.added, 'text')} added, ${read.changed.toLocaleString('en')} changed${read.languages.length > 0 ? `, new: ${read.languages.join(', ')}` : ''}.`, 'success')
      setRejected(read.rejected)
    } catch (error) {
      notify(messageOf(error), 'error')
    }
  }
  return (
    <>
      <input
        id={id}
        type="file"
        className="visually-hidden"
        accept=".csv,text/csv"
        onChange={(event) => {
          void take(event.target.files?.[0])
          event.target.value = ''
        }}
      />
      <label htmlFor={id} className="button">
        <Upload className="icon" strokeWidth={1.5} aria-hidden />
        Import CSV
      </label>
      {rejected.length > 0 ? (
        <p className="notice amber texts-left-out" role="alert">
          {count(rejected.length, 'line')} left out. {rejected.slice(0, shownLines).join(' ')}
        </p>
      ) : null}
    </>
  )
}
