/** From what a property holds to a PDF that can be shown. */
import { textOf } from '../../../runtime/values'
import { t } from '../../../messages/messages'

/** `%PDF-`, which stands within the first kilobyte. */
export function isPdf(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 1024)).includes('%PDF-')
}

const mostBytes = 64_000_000

/** A document of this server. It is fetched and looked at, not framed: a page of ours must not stand within an app. */
export async function fetchPdf(address: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await fetch(address, { signal })
  if (!answer.ok) throw new Error(`The document could not be fetched: the server answered ${answer.status}.`)
  if (Number(answer.headers.get('content-length') ?? 0) > mostBytes) throw new Error('The document has more than 64 MB.')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  if (!isPdf(bytes)) throw new Error('This is no PDF document.')
  return bytes
}

export type PdfSource = { bytes: Uint8Array<ArrayBuffer> } | { address: string } | { problem: string }

export function pdfSource(value: unknown, origin: string): PdfSource | undefined {
  const given = typeof value === 'object' && value !== null && 'base64' in value ? textOf(value.base64) : textOf(value).trim()
  if (given === '') return undefined
  if (/^(https?:|\/)/i.test(given) && !/^\/[A-Za-z0-9+/=]{60,}$/.test(given)) {
    const address = URL.canParse(given, origin) ? new URL(given, origin) : undefined
    return address?.origin === origin ? { address: address.href } : { problem: t('Only documents of this server are shown: let a query fetch it.') }
  }
  try {
    const bytes = Uint8Array.from(atob(given.replace(/^data:[^,]*,/, '').replace(/\s/g, '')), (character) => character.charCodeAt(0))
    return isPdf(bytes) ? { bytes } : { problem: t('This is no PDF document.') }
  } catch {
    return { problem: t('This is no PDF document in base64.') }
  }
}
