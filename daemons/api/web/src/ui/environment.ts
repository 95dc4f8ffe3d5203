/** The environment that an app runs in here: it stands in the page's address, so that a link leads to the same. */

const key = 'environment'

/** The one that was chosen; nothing for the default one. */
export function chosenEnvironment(): string | undefined {
  return new URLSearchParams(location.search).get(key) ?? undefined
}

/** For the body of a request. */
export function inEnvironment(): { environment?: string } {
  const environment = chosenEnvironment()
  return environment === undefined ? {} : { environment }
}

/** Opens the page in another environment: nothing of the one before must stay on it. */
export function chooseEnvironment(name: string | undefined): void {
  const address = new URL(location.href)
  if (name === undefined) address.searchParams.delete(key)
  else address.searchParams.set(key, name)
  location.assign(address)
}

/** What expressions see as `environment`. */
export function visibleEnvironment(environments: readonly { name: string; is_default: boolean }[]): { name: string } {
  return { name: chosenEnvironment() ?? environments.find((one) => one.is_default)?.name ?? 'production' }
}

/** An address of this app with the choice in it: pages and parameters of the app come and go, the environment stays. */
export function withEnvironment(text: string): string {
  const chosen = chosenEnvironment()
  if (chosen === undefined) return text
  const address = new URL(text, location.origin)
  address.searchParams.set(key, chosen)
  return address.pathname + address.search + address.hash
}

/** The parameters of an address without the choice, which is no parameter of the app. */
export function withoutEnvironment(search: string): string {
  const parameters = new URLSearchParams(search)
  parameters.delete(key)
  return parameters.toString()
}
