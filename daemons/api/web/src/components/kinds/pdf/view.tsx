/** A PDF document, in the browser's own viewer: a frame of an address that exists in this page alone. */
import { Download } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties } from '../../runtime-context'
import { t } from '../../../messages/messages'
import { fetchPdf, pdfSource } from './source'

export function View(props: ViewProps) {
  const read = useProperties(props)
  const data = read('data')
  const source = useMemo(() => pdfSource(data, location.origin), [data])
  const [address, setAddress] = useState<string>()
  const [fault, setFault] = useState<string>()
  useEffect(() => {
    setAddress(undefined)
    setFault(undefined)
    if (!source || 'problem' in source) return
    const controller = new AbortController()
    let made: string | undefined
    const show = (bytes: Uint8Array<ArrayBuffer>) => {
      made = URL.createObjectURL(new Blob([bytes], { type: 'application/pdf' }))
      setAddress(made)
    }
    if ('bytes' in source) show(source.bytes)
    else
      fetchPdf(source.address, controller.signal).then(show, (error: unknown) => {
        if (!controller.signal.aborted) setFault(error instanceof Error ? error.message : String(error))
      })
    return () => {
      controller.abort()
      if (made) URL.revokeObjectURL(made)
    }
  }, [source])
  const name = textOf(read('name')) || `${props.name}.pdf`
  if (!source) return <p className="muted app-empty">{t('No document yet.')}</p>
  const problem = 'problem' in source ? source.problem : fault
  if (problem !== undefined) {
    return (
      <p className="app-unknown" role="status">
        {problem}
      </p>
    )
  }
  return (
    <div className="app-pdf">
      <div className="app-pdf-bar">
        <span className="truncate grow">{name}</span>
        <a className="button small ghost" href={address} download={name}>
          <Download className="icon" strokeWidth={1.5} aria-hidden />
          {t('Save')}
        </a>
      </div>
      {address === undefined ? null : navigator.pdfViewerEnabled ? <iframe className="app-frame" title={name} src={address} /> : <p className="muted app-empty">{t('This browser shows no PDF documents itself: save it to read it.')}</p>}
    </div>
  )
}
