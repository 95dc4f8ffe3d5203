/** How well-known callers sign their webhooks. */
import type { Signature } from '../../api/types'

type Way = Omit<Signature, 'secret'>

export const signaturePresets: Record<string, { text: string; way: Way }> = {
  github: { text: 'GitHub or Gitea', way: { header: 'X-Hub-Signature-256', prefix: 'sha256=' } },
  slack: { text: 'Slack', way: { header: 'X-Slack-Signature', prefix: 'v0=', timestamp: { header: 'X-Slack-Request-Timestamp', signed: 'v0:{timestamp}:{body}' } } },
  shopify: { text: 'Shopify and the like', way: { header: 'X-Shopify-Hmac-Sha256', encoding: 'base64' } },
  other: { text: 'Another caller', way: { header: 'X-Signature' } },
}

/** What the server adds where a document says nothing. */
export const timestampDefaults = { 'within-s': 300, signed: '{timestamp}.{body}' } as const

/** The preset that a signature is of; `other` where it is none. */
export function presetOf(signature: Signature): string {
  const [name] = Object.entries(signaturePresets).find(([, { way }]) => keyOf(way) === keyOf(signature)) ?? ['other']
  return name
}

/** A preset's way of signing, with the secret that was chosen before. */
export function presetSignature(name: string, secret: string): Signature {
  return { secret, ...(signaturePresets[name] ?? signaturePresets.other)?.way } as Signature
}

function keyOf({ header, prefix, encoding, timestamp }: Way): string {
  const time = timestamp ? [timestamp.header, timestamp['within-s'] ?? timestampDefaults['within-s'], timestamp.signed ?? timestampDefaults.signed] : null
  return JSON.stringify([header, prefix ?? '', encoding ?? 'hex', time])
}
