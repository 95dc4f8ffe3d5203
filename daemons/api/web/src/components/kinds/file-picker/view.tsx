/** Files of the person's machine, for a query to send. */
import { FileUp, X } from 'lucide-react'
import { type DragEvent, useState } from 'react'
import { flagOf, textOf } from '../../../runtime/values'
import { bytes } from '../../../ui/format'
import { InputGroup, useInput } from '../../input'
import { type ViewProps, useRuntime, useRuntimeState } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { type PickedFile, byteLimit, readFile, refusalOf } from './files'

const none: PickedFile[] = []

export function View(props: ViewProps) {
  const { name } = props
  const runtime = useRuntime()
  const input = useInput<PickedFile | null>(props)
  const files = useRuntimeState(({ components }) => components[name]?.files as PickedFile[] | undefined) ?? none
  // Set to null by an action, nothing is chosen any more.
  const shown = input.value === null ? none : files
  const [refusal, setRefusal] = useState<string>()
  const [isOver, setOver] = useState(false)
  const isMultiple = flagOf(input.read('multiple'))
  const hold = (next: PickedFile[]) => {
    runtime.setComponent(name, { value: next[0] ?? null, files: next })
    void runtime.trigger(name, 'change')
  }
  const take = async (given: FileList | null) => {
    const chosen = [...(given ?? [])].slice(0, isMultiple ? undefined : 1)
    if (chosen.length === 0 || input.isDisabled) return
    const kept = isMultiple ? shown : none
    const problem = refusalOf([...kept, ...chosen], byteLimit(input.read('max-kb')))
    setRefusal(problem)
    input.leave()
    if (problem !== undefined) return
    try {
      hold([...kept, ...(await Promise.all(chosen.map(readFile)))])
    } catch {
      setRefusal(t('The file could not be read: choose it again.'))
    }
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void take(event.dataTransfer.files)
  }
  return (
    <InputGroup input={input}>
      <div
        className={isOver ? 'app-files over' : 'app-files'}
        aria-disabled={input.isDisabled || undefined}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <FileUp className="icon" strokeWidth={1.5} aria-hidden />
        <span className="grow muted truncate">{textOf(input.read('placeholder')) || (isMultiple ? t('Drop files here') : t('Drop a file here'))}</span>
        <input
          id={`${input.id}-file`}
          className="visually-hidden"
          type="file"
          disabled={input.isDisabled}
          multiple={isMultiple}
          aria-invalid={input.control['aria-invalid']}
          aria-describedby={input.control['aria-describedby']}
          accept={textOf(input.read('accept')) || undefined}
          onChange={(event) => {
            void take(event.target.files)
            // The same file can be chosen again after it was changed.
            event.target.value = ''
          }}
        />
        <label htmlFor={`${input.id}-file`} className="button small">
          {isMultiple ? t('Choose files') : t('Choose a file')}
        </label>
      </div>
      {refusal ? (
        <p className="error" role="alert">
          {refusal}
        </p>
      ) : null}
      {shown.length > 0 ? (
        <ul className="app-file-list">
          {shown.map((file, index) => (
            <li key={index}>
              <span className="truncate grow">{file.name}</span>
              <span className="muted nowrap">{bytes(file.size)}</span>
              <button type="button" className="app-combo-button" aria-label={t('Remove {name}', { name: file.name })} disabled={input.isDisabled} onClick={() => hold(shown.filter((_, at) => at !== index))}>
                <X className="icon" strokeWidth={1.5} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </InputGroup>
  )
}
