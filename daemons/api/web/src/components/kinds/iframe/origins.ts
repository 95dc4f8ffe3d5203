/** Which pages may be shown in frames. The page's policy holds the same list: this is so that one can say why. */

export type FrameRefusal = 'address' | 'own' | 'unlisted'

/** The origins that the server wrote into the page. */
export function listedOrigins(): string[] {
  const content = document.querySelector('meta[name="frame-origins"]')?.getAttribute('content') ?? ''
  return content.split(' ').flatMap((origin) => (URL.canParse(origin) ? [new URL(origin).origin] : []))
}

export function refusalOf(address: string, own: string, listed: string[]): FrameRefusal | undefined {
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return 'address'
  const { origin } = new URL(address)
  // With its own origin and scripts it could take off its sandbox.
  if (origin === own) return 'own'
  return listed.includes(origin) ? undefined : 'unlisted'
}
