/** Addresses that an app may lead to or show. */

/** An address for a link; nothing when following it could run something. */
export function safeHref(text: string): string | undefined {
  const address = text.trim()
  if (address === '') return undefined
  try {
    const { protocol } = new URL(address, 'https://relative.invalid')
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(protocol) ? address : undefined
  } catch {
    return undefined
  }
}

/** Whether a link leaves this server. */
export function isElsewhere(address: string, origin: string): boolean {
  return new URL(address, origin).origin !== new URL(origin).origin
}

/** An address whose image the page's content security policy lets through; nothing otherwise. */
export function shownImage(text: string, origin: string): string | undefined {
  const address = text.trim()
  if (/^data:image\/[a-z0-9.+-]+[;,]/i.test(address) || address.startsWith('blob:')) return address
  if (address === '' || safeHref(address) === undefined || isElsewhere(address, origin)) return undefined
  return /^(mailto|tel):/i.test(address) ? undefined : address
}
