/** One component of a running app: its view, or why there is none. */
import { CircleAlert } from 'lucide-react'
import { Suspense, memo, useMemo } from 'react'
import './app.css'
import { type ViewProps, usePropertyError } from './runtime-context'
import { useInstance } from './slot'
import { viewOf } from './views'

export const AppComponent = memo(function AppComponent({ name, component }: ViewProps) {
  const instance = useInstance(name)
  const props = useMemo(() => ({ name: instance, component }), [instance, component])
  const error = usePropertyError(props)
  if (error) {
    return (
      <div className="app-fault" role="alert">
        <CircleAlert className="icon" aria-hidden />
        <span>
          <strong>{props.name}</strong> {error}
        </span>
      </div>
    )
  }
  const View = viewOf(props.component.type)
  if (!View) {
    return (
      <div className="app-unknown">
        <strong>{props.name}</strong> is of the kind <code>{props.component.type}</code>, which this version does not know. It is kept as it is.
      </div>
    )
  }
  return (
    <Suspense fallback={<span className="skeleton skeleton-62" />}>
      <View {...props} />
    </Suspense>
  )
})
