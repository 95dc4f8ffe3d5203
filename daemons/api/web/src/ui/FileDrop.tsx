/** A place to drop a file on, or to choose one by the keyboard. It is read as text, or as bytes in base64. */
import { FileUp } from 'lucide-react'
import { type DragEvent, useId, useState } from 'react'

interface Props {
  label: string
  /** File name endings, as `<input type="file">` wants them. */
  accept: string
  onText?: (text: string, name: string) => void
  /** For one that is too large to be read at once. */
  onFile?: (file: File) => void
  onBase64?: (base64: string) => void
}

export function FileDrop({ label, accept, onText, onFile, onBase64 }: Props) {
  const id = useId()
  const [isOver, setOver] = useState(false)
  const [taken, setTaken] = useState<string>()
  const take = async (file: File | undefined) => {
    if (!file) return
    onFile?.(file)
    onText?.(await file.text(), file.name)
    onBase64?.(toBase64(new Uint8Array(await file.arrayBuffer())))
    setTaken(file.name)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    void take(event.dataTransfer.files[0])
  }
  return (
    <div
      className={isOver ? 'file-drop over' : 'file-drop'}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <input
        id={id}
        type="file"
        className="visually-hidden"
        accept={accept}
        onChange={(event) => {
          void take(event.target.files?.[0])
          // The same file can be chosen again after it was changed.
          event.target.value = ''
        }}
      />
      <FileUp className="icon" strokeWidth={1.5} aria-hidden />
      <span>{taken ? `Took ${taken}` : label}</span>
      <label htmlFor={id} className="button small">
        Choose a file
      </label>
    </div>
  )
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
