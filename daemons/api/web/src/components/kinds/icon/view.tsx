/** A small picture. The set arrives when a page has one. */
import { CircleQuestionMark } from 'lucide-react'
import { Suspense, lazy } from 'react'
import { flagOf, numberOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties, useRuntime } from '../../runtime-context'

const Drawn = lazy(async () => {
  const { iconSet } = await import('./icon-set')
  return {
    default: ({ name, size }: { name: string; size: number }) => {
      const Icon = (Object.hasOwn(iconSet, name) ? iconSet[name] : undefined) ?? CircleQuestionMark
      return <Icon size={size} strokeWidth={1.5} aria-hidden />
    },
  }
})

export function View(props: ViewProps) {
  const runtime = useRuntime()
  const read = useProperties(props)
  const size = Math.max(12, Math.min(96, numberOf(read('size')) ?? 20))
  const label = textOf(read('label'))
  const drawn = (
    <Suspense fallback={<span style={{ width: size, height: size }} />}>
      <Drawn name={textOf(read('icon')).trim().toLowerCase()} size={size} />
    </Suspense>
  )
  const className = `app-icon ${textOf(read('tone'))}`
  if (flagOf(read('clickable'))) {
    return (
      <button type="button" className={`${className} can-press`} aria-label={label || textOf(read('icon')) || props.name} title={label || undefined} onClick={() => void runtime.trigger(props.name, 'click')}>
        {drawn}
      </button>
    )
  }
  return (
    <span className={className} role={label ? 'img' : undefined} aria-label={label || undefined} title={label || undefined}>
      {drawn}
    </span>
  )
}
