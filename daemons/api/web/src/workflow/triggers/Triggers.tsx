/** What starts runs of the workflow, besides people: webhooks and schedules. */
import { CalendarClock, Webhook } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { ApiProblem } from '../../api/problem'
import type { Trigger, WorkflowDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { PartCard } from '../PartCard'
import { PartName } from '../PartName'
import { addTrigger, removeTrigger, renameTrigger, setTrigger } from '../edits'
import { ScheduleInUse } from '../operation/ScheduleInUse'
import { ScheduleFields } from './ScheduleFields'
import { WebhookFields } from './WebhookFields'
import type { ChangeTrigger } from './change'
import { cronText } from './cron'
import { presetOf, signaturePresets } from './signatures'
import './triggers.css'

interface Props {
  slug: string
  store: DraftStore<WorkflowDocument>
  /** Of the release in use, if there is one. */
  version: number | undefined
}

/** Schedules are meant by the clock of whoever makes them, unless they say otherwise. */
const newSchedule = (): Trigger => ({ type: 'schedule', cron: '0 8 * * *', timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, overlap: 'skip', 'catch-up-s': 600 })

export function Triggers({ slug, store, version }: Props) {
  const triggers = Object.entries(useStore(store, (state) => state.document.triggers) ?? {})
  const [opened, setOpened] = useState<string>()
  const add = (trigger: Trigger) => {
    let name = ''
    store.edit((draft) => {
      name = addTrigger(draft, trigger)
    })
    setOpened(name)
  }
  return (
    <div className="panel-section">
      <header>
        <h3>Triggers</h3>
        <span className="row wrap">
          <Button size="small" icon={Webhook} onClick={() => add({ type: 'webhook', reply: 'response' })}>
            Add webhook
          </Button>
          <Button size="small" icon={CalendarClock} onClick={() => add(newSchedule())}>
            Add schedule
          </Button>
        </span>
      </header>
      {triggers.length === 0 ? <p className="muted">Without a trigger the workflow is started by hand. A webhook gives it an address that other systems call with a key; a schedule starts it by the clock.</p> : null}
      {triggers.map(([name, trigger], index) => (
        <TriggerCard
          // By its place: a new name must not take the focus away.
          key={index}
          slug={slug}
          name={name}
          trigger={trigger}
          store={store}
          version={version}
          isOpen={opened === name}
          onToggle={(isOpen) => setOpened((current) => (isOpen ? name : current === name ? undefined : current))}
          onRenamed={setOpened}
        />
      ))}
    </div>
  )
}

interface CardProps extends Props {
  name: string
  trigger: Trigger
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
  onRenamed: (name: string) => void
}

function TriggerCard({ slug, name, trigger, store, version, isOpen, onToggle, onRenamed }: CardProps) {
  const problem = useStore(store, (state) => state.problem)
  const isFaulty = problem instanceof ApiProblem && problem.faults.some((fault) => fault.path.startsWith(`triggers.${name}.`))
  const change: ChangeTrigger = (next, key) => store.edit((draft) => setTrigger(draft, name, next as Partial<Trigger>), key && `trigger.${name}.${key}`)
  const rename = (typed: string) => {
    store.edit((draft) => renameTrigger(draft, name, typed))
    onRenamed(typed)
  }
  return (
    <PartCard
      name={name}
      icon={trigger.type === 'schedule' ? CalendarClock : Webhook}
      summary={summaryOf(trigger)}
      isFaulty={isFaulty}
      isOpen={isOpen}
      onToggle={onToggle}
      onRemove={() => store.edit((draft) => removeTrigger(draft, name))}
    >
      <PartName
        name={name}
        hint={trigger.type === 'webhook' ? 'It is part of the address; under a new name it needs a new key.' : 'Code reads it as trigger.name. Under a new name it is a new schedule.'}
        problemOf={(typed) => (typed in (store.getState().document.triggers ?? {}) ? 'Another trigger has this name.' : undefined)}
        onRename={rename}
      />
      {trigger.type === 'schedule' ? <ScheduleFields trigger={trigger} change={change} /> : <WebhookFields slug={slug} name={name} trigger={trigger} change={change} store={store} />}
      {trigger.type === 'schedule' ? <ScheduleInUse slug={slug} trigger={name} version={version} /> : null}
    </PartCard>
  )
}

function summaryOf(trigger: Trigger): string {
  if (trigger.type === 'schedule') return `${cronText(trigger.cron)}, ${trigger.timezone ?? 'UTC'}`
  const reply = trigger.event ? `Delivers ${trigger.event.name}` : trigger.reply === 'accepted' ? 'Answers at once' : 'Waits for the response'
  return trigger.signature ? `${reply}, signed: ${signaturePresets[presetOf(trigger.signature)]?.text}` : reply
}
