/** An address on the web. */
import { TextLine } from '../../TextLine'
import type { ViewProps } from '../../runtime-context'

/** What is written without a scheme is meant as a secure address. */
export function tidied(text: string): string {
  const address = text.trim()
  return address === '' || /^[a-z][a-z\d+.-]*:/i.test(address) ? address : `https://${address}`
}

export function View(props: ViewProps) {
  return <TextLine props={props} type="text" inputMode="url" autoComplete="url" tidy={tidied} />
}
