/** A piece that was made elsewhere. What stands in it is an app's as all else; on the canvas it is not edited. */
import { baseOf } from '../../../runtime/nesting'
import { FixedSlot } from '../../AppPage'
import '../../containers.css'
import { type ViewProps, useRuntime, useRuntimeState } from '../../runtime-context'
import { Slot, useIsCanvas } from '../../slot'

export function View({ name }: ViewProps) {
  const runtime = useRuntime()
  const page = useRuntimeState((state) => state.page)
  const isCanvas = useIsCanvas()
  // These are new whenever the document on the canvas is another one.
  useRuntimeState((state) => state.dependencies)
  const shown = runtime.document.pages[page] ?? {}
  const parent = baseOf(name).base
  if (!Object.values(shown.layout ?? {}).some((rect) => rect.parent === parent)) {
    return (
      <div className="app-unknown" role="status">
        <strong>{name}</strong> is a module, but nothing of it is here. Take it out, and add it again from the list of modules.
      </div>
    )
  }
  return <div className="app-slot app-module">{isCanvas ? <FixedSlot page={shown} parent={parent} /> : <Slot parent={name} />}</div>
}
