/**
 * The script of a custom component's document: takes the component's own script and style, runs them, and gives them `bulkhead`.
 *
 * A classic script without imports, since a document with an opaque origin may load no module. Its policy lets it reach nothing.
 */
import type { FromFrame, Start, Theme, ToFrame } from './protocol'

type Listener<T> = (value: T) => void

const listeners = { data: [] as Listener<unknown>[], theme: [] as Listener<Theme>[] }
let started = false
let data: { value: unknown } | undefined
let theme: Theme = 'light'
let send: (message: FromFrame) => void = () => {}

const bulkhead = {
  onData(listener: Listener<unknown>) {
    listeners.data.push(listener)
    if (data) listener(data.value)
  },
  onTheme(listener: Listener<Theme>) {
    listeners.theme.push(listener)
    listener(theme)
  },
  get theme() {
    return theme
  },
  setState: (state: unknown) => send({ state }),
  trigger: (event: string) => send({ trigger: String(event) }),
}

function tell<T>(list: Listener<T>[], value: T): void {
  for (const listener of list) {
    try {
      listener(value)
    } catch (error) {
      fail(error)
    }
  }
}

function fail(error: unknown): void {
  send({ error: error instanceof Error ? error.message : String(error) })
}

function receive(message: ToFrame): void {
  if ('theme' in message) {
    theme = message.theme
    document.documentElement.style.colorScheme = theme
    for (const [name, value] of Object.entries(message.tokens)) document.documentElement.style.setProperty(name, value)
    tell(listeners.theme, theme)
  } else {
    data = { value: message.data }
    tell(listeners.data, message.data)
  }
}

function begin({ script, style }: Start): void {
  const sheet = document.createElement('style')
  sheet.textContent = style
  document.head.append(sheet)
  try {
    new Function('bulkhead', `"use strict";${script}`)(bulkhead)
  } catch (error) {
    fail(error)
  }
}

Object.defineProperty(window, 'bulkhead', { value: bulkhead })
window.addEventListener('error', (event) => fail(event.error ?? event.message))
window.addEventListener('unhandledrejection', (event) => fail(event.reason))
window.addEventListener('message', (event: MessageEvent<Start>) => {
  const [port] = event.ports
  if (event.source !== window.parent || started || !port) return
  started = true
  send = (message) => {
    try {
      port.postMessage(message)
    } catch {
      port.postMessage({ error: 'The state holds something that is no data, such as a function: set plain values.' } satisfies FromFrame)
    }
  }
  port.onmessage = ({ data: message }: MessageEvent<ToFrame>) => receive(message)
  begin(event.data)
  send({ ready: true })
})
