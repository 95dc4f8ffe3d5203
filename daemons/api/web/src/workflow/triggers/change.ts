/** What the fields of a trigger are given. */
import type { Schedule, Trigger, Webhook } from '../../api/types'

/** Changes fields of the trigger; one that is `null` is taken away. Those with the same key within a moment are one step of undo. */
export type ChangeTrigger = (next: { [Key in keyof Schedule | keyof Webhook]?: (Schedule & Webhook)[Key] | null }, key?: string) => void

export type ScheduleTrigger = Extract<Trigger, { type: 'schedule' }>
export type WebhookTrigger = Extract<Trigger, { type: 'webhook' }>
