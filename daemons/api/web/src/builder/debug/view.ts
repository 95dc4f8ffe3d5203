/** Which of the debug panels shows, and what it is about. It stays while others are looked at. */
import { createStore } from 'zustand/vanilla'

export type DebugTab = 'state' | 'why' | 'timeline' | 'problems' | 'find'

interface DebugView {
  tab: DebugTab
  /** The value that is asked about: `table1.data`. */
  path: string
}

export const debugView = createStore<DebugView>(() => ({ tab: 'state', path: '' }))

export function showDebug(view: Partial<DebugView>): void {
  debugView.setState(view)
}
