/**
 * A component of the app's own, in a frame that reaches nothing. The page hands it its script, its style and its data, and takes a state and
 * the names of events from it: nothing else passes.
 */
import { CircleAlert } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { type FromFrame, type Theme, type ToFrame, tokens } from '../../../custom-component/protocol'
import { jsonOf, textOf } from '../../../runtime/values'
import '../../display.css'
import { type ViewProps, useProperties, useRuntime } from '../../runtime-context'

const events = ['first', 'second', 'third']
const mostStateBytes = 1_000_000

export function View(props: ViewProps) {
  const { name, component } = props
  const runtime = useRuntime()
  const read = useProperties(props)
  const frame = useRef<HTMLIFrameElement>(null)
  const port = useRef<MessagePort>(undefined)
  const [fault, setFault] = useState<string>()
  const [script, style] = [textOf(component.properties?.script), textOf(component.properties?.style)]
  const code = JSON.stringify([script, style])
  /** What the frame ran when it went to another page. */
  const [goneWith, setGoneWith] = useState<string>()
  const isGone = goneWith === code
  const data = jsonOf(read('data')) ?? {}
  const latest = useRef(data)
  latest.current = data

  useEffect(() => {
    const element = frame.current
    if (!element) return
    const take = (message: FromFrame) => {
      if ('error' in message) setFault(textOf(message.error).slice(0, 500))
      else if ('trigger' in message) {
        if (events.includes(message.trigger)) void runtime.trigger(name, message.trigger)
        else setFault(`There is no event ${textOf(message.trigger).slice(0, 60)}: there are first, second and third.`)
      } else if ('state' in message) {
        if ((JSON.stringify(message.state) ?? '').length > mostStateBytes) setFault('The state has more than 1 MB.')
        else runtime.setComponent(name, { state: message.state ?? null })
      }
    }
    let stop: (() => void) | undefined
    const start = () => {
      // It went to another page, which is not to be handed anything, nor to be shown within the app.
      if (stop) {
        stop()
        setGoneWith(code)
        return setFault('It has left its own page, so it is not shown.')
      }
      const channel = new MessageChannel()
      channel.port1.onmessage = ({ data: message }: MessageEvent<FromFrame>) => take(message)
      port.current = channel.port1
      setFault(undefined)
      // The frame's origin is opaque, so it cannot be named as a target; the frame itself is ours.
      element.contentWindow?.postMessage({ script, style }, '*', [channel.port2])
      send(channel.port1, themeNow())
      send(channel.port1, { data: latest.current })
      const unfollow = followTheme(() => send(channel.port1, themeNow()))
      stop = () => {
        unfollow()
        channel.port1.close()
      }
    }
    element.addEventListener('load', start)
    return () => {
      element.removeEventListener('load', start)
      stop?.()
    }
  }, [name, runtime, script, style, code])

  const written = JSON.stringify(data)
  useEffect(() => {
    if (port.current) send(port.current, { data: latest.current })
  }, [written])

  return (
    <>
      {fault === undefined ? null : (
        <p className="app-fault" role="alert">
          <CircleAlert className="icon" aria-hidden />
          <span>
            <strong>{name}</strong> {fault}
          </span>
        </p>
      )}
      {isGone ? null : <iframe key={code} ref={frame} src="/custom-component" className="app-custom" title={textOf(read('label')) || name} sandbox="allow-scripts" />}
    </>
  )
}

function send(to: MessagePort, message: ToFrame): void {
  to.postMessage(message)
}

function themeNow(): { theme: Theme; tokens: Record<string, string> } {
  const chosen = document.documentElement.dataset.theme
  const theme: Theme = chosen === 'dark' || chosen === 'light' ? chosen : matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  const values = getComputedStyle(document.documentElement)
  return { theme, tokens: Object.fromEntries(tokens.map((token) => [token, values.getPropertyValue(token)])) }
}

/** Calls back when the theme changes, by the system or by the person. */
function followTheme(changed: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  dark.addEventListener('change', changed)
  const observer = new MutationObserver(changed)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'data-contrast'] })
  return () => {
    dark.removeEventListener('change', changed)
    observer.disconnect()
  }
}
