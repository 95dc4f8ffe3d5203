/** From what a property holds to a PDF that can be shown. */
import { textOf } from '../../../runtime/values'

/** `%PDF-`, which stands within the first kilobyte. */
function isPdf(bytes: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(0, 1024)).includes('%PDF-')
}

export type PdfSource = { bytes: Uint8Array<ArrayBuffer> } | { address: string } | { problem: string }

export function pdfSource(value: unknown, origin: string): PdfSource | undefined {
  const given = typeof value === 'object' && value !== null && 'base64' in value ? textOf(value.base64) : textOf(value).trim()
  if (given === '') return undefined
  if (/^(https?:|\/)/i.test(given) && !/^\/[A-Za-z0-9+/=]{60,}$/.test(given)) {
    const address = URL.canParse(given, origin) ? new URL(given, origin) : undefined
    return address?.origin === origin ? { address: address.href } : { problem: 'Only documents of this server are shown: let a query fetch it.' }
  }
  try {
    const bytes = Uint8Array.from(atob(given.replace(/^data:[^,]*,/, '').replace(/\s/g, '')), (character) => character.charCodeAt(0))
    return isPdf(bytes) ? { bytes } : { problem: 'This is no PDF document.' }
  } catch {
    return { problem: 'This is no PDF document in base64.' }
  }
}
