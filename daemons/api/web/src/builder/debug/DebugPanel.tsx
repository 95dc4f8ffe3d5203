/** What helps to find mistakes: all values, where one comes from, what happened, what is likely wrong, and where something is written. */
import { useStore } from 'zustand'
import type { AppDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import type { Owner } from '../../document/places'
import { FindPanel } from './FindPanel'
import { Problems } from './Problems'
import { StateTree } from './StateTree'
import { Timeline } from './Timeline'
import { Why } from './Why'
import { type DebugTab, debugView, showDebug } from './view'
import './debug.css'

interface Props {
  page: string
  store: DraftStore<AppDocument>
  onOpen: (owner: Owner) => void
}

const tabs: readonly (readonly [DebugTab, string])[] = [
  ['state', 'Values'],
  ['why', 'Why'],
  ['timeline', 'Timeline'],
  ['problems', 'Problems'],
  ['find', 'Find'],
]

export function DebugPanel({ page, store, onOpen }: Props) {
  const { tab, path } = useStore(debugView)
  return (
    <div className="debug">
      <div className="row debug-tabs" role="tablist" aria-label="Debug">
        {tabs.map(([name, text]) => (
          <button key={name} type="button" role="tab" id={`debug-${name}`} className="tab" aria-selected={tab === name} aria-controls="debug-panel" onClick={() => showDebug({ tab: name })}>
            {text}
          </button>
        ))}
      </div>
      <div id="debug-panel" className="debug-body" role="tabpanel" aria-labelledby={`debug-${tab}`} tabIndex={0}>
        {tab === 'state' ? <StateTree onWhy={(next) => showDebug({ tab: 'why', path: next })} /> : null}
        {tab === 'why' ? <Why path={path} store={store} onPath={(next) => showDebug({ tab: 'why', path: next })} onOpen={onOpen} /> : null}
        {tab === 'timeline' ? <Timeline store={store} onOpen={onOpen} /> : null}
        {tab === 'problems' ? <Problems page={page} store={store} onOpen={onOpen} /> : null}
        {tab === 'find' ? <FindPanel store={store} onOpen={onOpen} /> : null}
      </div>
    </div>
  )
}
