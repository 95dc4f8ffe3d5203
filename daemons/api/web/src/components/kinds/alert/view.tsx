/** A notice that stands out. */
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react'
import { textOf } from '../../../runtime/values'
import type { Tone } from '../../../ui/Badge'
import { type ViewProps, useProperties } from '../../runtime-context'
import { toneOf } from '../../tone'
import '../../display.css'

const icons: Record<Tone, typeof Info> = { neutral: Info, accent: Info, green: CircleCheck, amber: TriangleAlert, red: CircleAlert }

export function View(props: ViewProps) {
  const read = useProperties(props)
  const tone = toneOf(textOf(read('tone')), 'accent')
  const Icon = icons[tone]
  const [title, text] = [textOf(read('title')), textOf(read('text'))]
  return (
    <div className={`notice ${tone} app-alert`} role={tone === 'red' ? 'alert' : 'status'}>
      <Icon className="icon" strokeWidth={1.5} aria-hidden />
      <div>
        {title ? <strong>{title}</strong> : null}
        {text ? <p>{text}</p> : null}
      </div>
    </div>
  )
}
