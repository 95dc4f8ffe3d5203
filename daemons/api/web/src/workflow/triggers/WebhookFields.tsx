/** A webhook: what it does, when its caller is answered, its key, and how the caller signs. */
import { useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { faultAt } from '../../api/problem'
import type { EventDelivery, Signature, WorkflowDocument } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { secretsQuery } from '../../studio/lists'
import { EnvironmentField } from '../../studio/EnvironmentField'
import { useSession } from '../../studio/session'
import { Button } from '../../ui/Button'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import { SecondsField } from '../editors/fields'
import { KeyDialog } from './KeyDialog'
import type { ChangeTrigger, WebhookTrigger } from './change'
import { presetOf, presetSignature, signaturePresets, timestampDefaults } from './signatures'

interface Props {
  slug: string
  name: string
  trigger: WebhookTrigger
  change: ChangeTrigger
  store: DraftStore<WorkflowDocument>
}

export function WebhookFields({ slug, name, trigger, change, store }: Props) {
  const [isKeyed, setKeyed] = useState(false)
  const { signature } = trigger
  // A preset that was changed by hand shows as another caller; so does one that was chosen as such.
  const [isOwn, setOwn] = useState(false)
  const chosen = signature ? (isOwn ? 'other' : presetOf(signature)) : ''
  const { event } = trigger
  return (
    <>
      <SelectField
        label="What it does"
        value={event ? 'event' : 'run'}
        options={[
          ['run', 'Starts a run'],
          ['event', 'Delivers an event to runs that wait'],
        ]}
        onChange={({ target }) => change(target.value === 'event' ? { event: { name: soundName.test(name) ? name : 'event' }, environment: null } : { event: null })}
      />
      {event ? null : <EnvironmentField label="Environment of its runs" value={trigger.environment} onChange={(environment) => change({ environment })} />}
      {event ? (
        <EventFields path={`triggers.${name}.event`} event={event} change={(next, key) => change({ event: next }, key)} store={store} />
      ) : (
        <SelectField
          label="Answer"
          value={trigger.reply ?? 'response'}
          options={[
            ['response', 'Waits for the response block'],
            ['accepted', 'Answers at once with the run'],
          ]}
          onChange={({ target }) => change({ reply: target.value === 'accepted' ? 'accepted' : 'response' })}
        />
      )}
      <div className="trigger-address">
        <code className="grow">
          POST /hooks/{slug}/{name}
        </code>
        <Button size="small" icon={KeyRound} onClick={() => setKeyed(true)}>
          New key
        </Button>
      </div>
      <SelectField
        label="Signature"
        hint="Besides having the key, the caller proves with a secret that nobody has changed the body: HMAC with SHA-256."
        value={chosen}
        options={[['', 'None: the key is enough'], ...Object.entries(signaturePresets).map(([preset, { text }]) => [preset, text] as const)]}
        onChange={({ target }) => {
          setOwn(target.value === 'other')
          // What was filled in is the beginning of a way of one's own.
          const next = target.value === 'other' && signature ? signature : presetSignature(target.value, signature?.secret ?? '')
          change({ signature: target.value === '' ? null : next })
        }}
      />
      {signature ? <SignatureFields path={`triggers.${name}.signature`} slug={slug} signature={signature} isOpen={chosen === 'other'} change={(next, key) => change({ signature: next }, key)} store={store} /> : null}
      {isKeyed ? <KeyDialog slug={slug} trigger={name} onClose={() => setKeyed(false)} store={store} /> : null}
    </>
  )
}

const soundName = /^[A-Za-z][A-Za-z0-9_]{0,62}$/

interface EventProps {
  path: string
  event: EventDelivery
  change: (event: EventDelivery, key?: string) => void
  store: DraftStore<WorkflowDocument>
}

function EventFields({ path, event, change, store }: EventProps) {
  const problem = useStore(store, (state) => state.problem)
  const fault = (key: string) => faultAt(problem, `${path}.${key}`)
  return (
    <>
      <TextField
        label="Event"
        className="mono"
        maxLength={63}
        error={soundName.test(event.name) ? fault('name') : 'Use a letter, then letters, digits or _.'}
        hint="As the wait blocks have it."
        value={event.name}
        onChange={({ target }) => change({ ...event, name: target.value }, 'event.name')}
      />
      <TextField
        label="Key is at"
        className="mono"
        placeholder="No key"
        error={fault('key')}
        hint="Its place in the request: body.order.id, query.order or headers.x-order. Empty for an event without a key."
        value={event.key ?? ''}
        onChange={({ target: { value } }) => change({ name: event.name, ...(value === '' ? {} : { key: value }) }, 'event.key')}
      />
    </>
  )
}

interface SignatureProps {
  path: string
  slug: string
  signature: Signature
  isOpen: boolean
  change: (signature: Signature, key?: string) => void
  store: DraftStore<WorkflowDocument>
}

function SignatureFields({ path, slug, signature, isOpen, change, store }: SignatureProps) {
  const problem = useStore(store, (state) => state.problem)
  const fault = (key: string) => faultAt(problem, `${path}.${key}`)
  const set = (next: Partial<Signature>, key?: string) => {
    const all = Object.entries({ ...signature, ...next }).filter(([, value]) => value !== undefined && value !== null && value !== '')
    change({ secret: '', header: '', ...Object.fromEntries(all) }, key && `signature.${key}`)
  }
  const { timestamp } = signature
  const setTime = (next: Partial<NonNullable<Signature['timestamp']>>, key: string) => set({ timestamp: { header: '', ...timestamp, ...next } }, `timestamp.${key}`)
  return (
    <>
      <SecretField slug={slug} value={signature.secret} error={fault('secret')} onChange={(secret) => set({ secret }, 'secret')} />
      <details className="more-settings" open={isOpen}>
        <summary>How it is signed</summary>
        <div className="stack">
          <div className="form-grid">
            <TextField label="Header with the signature" className="mono" error={fault('header')} value={signature.header} onChange={({ target }) => set({ header: target.value }, 'header')} />
            <TextField label="Text before it" className="mono" placeholder="None" error={fault('prefix')} value={signature.prefix ?? ''} onChange={({ target }) => set({ prefix: target.value }, 'prefix')} />
          </div>
          <SelectField
            label="Written as"
            value={signature.encoding ?? 'hex'}
            options={[
              ['hex', 'Hexadecimal digits'],
              ['base64', 'Base64'],
            ]}
            onChange={({ target }) => set({ encoding: target.value === 'base64' ? 'base64' : undefined })}
          />
          <CheckField
            label="The caller signs the time too"
            checked={timestamp != null}
            onChange={({ target }) => set({ timestamp: target.checked ? { header: 'X-Timestamp', ...timestampDefaults } : undefined })}
          />
          {timestamp ? (
            <>
              <TextField label="Header with the time" className="mono" hint="Seconds since 1970." error={fault('timestamp.header')} value={timestamp.header} onChange={({ target }) => setTime({ header: target.value }, 'header')} />
              <TextField
                label="What is signed"
                className="mono"
                hint="With {timestamp} and {body} in it, once each."
                error={fault('timestamp.signed')}
                value={timestamp.signed ?? timestampDefaults.signed}
                onChange={({ target }) => setTime({ signed: target.value }, 'signed')}
              />
              <SecondsField
                label="Refused when older than"
                units={['Minutes', 'Seconds']}
                error={fault('timestamp.within-s')}
                seconds={timestamp['within-s'] ?? timestampDefaults['within-s']}
                onChange={(seconds) => setTime({ 'within-s': seconds ?? undefined }, 'within')}
              />
            </>
          ) : (
            <p className="muted">Without the time, whoever has listened to a request can send it once more.</p>
          )}
        </div>
      </details>
    </>
  )
}

/** Administrators see which secrets there are; others know the name of theirs. */
function SecretField({ slug, value, error, onChange }: { slug: string; value: string; error: string | undefined; onChange: (name: string) => void }) {
  const session = useSession()
  const secrets = useQuery({ ...secretsQuery, enabled: session.user.is_admin })
  if (secrets.isLoading) return <SelectField label="Secret" value={value} disabled options={[[value, value || '…']]} />
  const known = secrets.data?.map(({ name }) => [name, name] as const)
  if (!known) return <TextField label="Secret" className="mono" placeholder="partner" error={error} hint="The name of a secret that an administrator has granted to this workflow." value={value} onChange={({ target }) => onChange(target.value)} />
  const current = secrets.data?.find(({ name }) => name === value)
  const isGranted = current?.workflows.some((workflow) => workflow.slug === slug)
  const missing = value === '' ? 'Choose the secret that the caller signs with; it is added under Secrets.' : current ? 'It is not granted to this workflow yet: do so under Secrets.' : 'There is no such secret: add it under Secrets.'
  const none = value === '' ? [['', known.length === 0 ? 'There is no secret yet' : 'Choose a secret'] as const] : current ? [] : [[value, `${value} (not found)`] as const]
  return <SelectField label="Secret" value={value} error={error} hint={isGranted ? 'What the caller signs with.' : missing} options={[...none, ...known]} onChange={({ target }) => onChange(target.value)} />
}
