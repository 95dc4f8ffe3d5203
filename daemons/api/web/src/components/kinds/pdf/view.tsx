/** A PDF document, in the browser's own viewer: a frame of an address that exists in this page alone. */
import { Download } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { pdfSource } from './source'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const data = read('data')
  const source = useMemo(() => pdfSource(data, location.origin), [data])
  const [address, setAddress] = useState<string>()
  useEffect(() => {
    if (!source || 'problem' in source) return setAddress(undefined)
    if ('address' in source) return setAddress(source.address)
    const made = URL.createObjectURL(new Blob([source.bytes], { type: 'application/pdf' }))
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [source])
  const name = textOf(read('name')) || `${props.name}.pdf`
  if (!source) return <p className="muted app-empty">No document yet.</p>
  if ('problem' in source) {
    return (
      <p className="app-unknown" role="status">
        {source.problem}
      </p>
    )
  }
  return (
    <div className="app-pdf">
      <div className="app-pdf-bar">
        <span className="truncate grow">{name}</span>
        <a className="button small ghost" href={address} download={name}>
          <Download className="icon" strokeWidth={1.5} aria-hidden />
          Save
        </a>
      </div>
      {address && navigator.pdfViewerEnabled ? <iframe className="app-frame" title={name} src={address} /> : <p className="muted app-empty">This browser shows no PDF documents itself: save it to read it.</p>}
    </div>
  )
}
