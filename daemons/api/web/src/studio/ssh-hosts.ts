/** What the form of an SSH host knows before the server is asked. */
import type { SshHost, SshHostConfig, SshSecret } from '../api/types'

export interface SecretDraft {
  authentication: SshHost['authentication']
  privateKey: string
  passphrase: string
  password: string
}

export const newConfig: SshHostConfig = { host: '', port: 22, user: '', 'host-key': '' }

/** The secret to send; nothing where none was entered. */
export function secretOf({ authentication, privateKey, passphrase, password }: SecretDraft): SshSecret | undefined {
  if (authentication === 'password') return password === '' ? undefined : { authentication, password }
  if (privateKey.trim() === '') return undefined
  return { authentication, 'private-key': privateKey, ...(passphrase === '' ? {} : { passphrase }) }
}

/** Where the host's key is read: another place may show another key. */
export function placeOf({ host, port, 'jump-host': jump }: SshHostConfig): string {
  return JSON.stringify([host, port, jump ?? ''])
}

/** Whether the stored secret does not follow: it was entered for another host, port, user or jump host, or it is a password and the host's key is another. */
export function isSecretNeeded(stored: SshHost | undefined, config: SshHostConfig, authentication: SshHost['authentication']): boolean {
  if (!stored || stored.authentication !== authentication || placeOf(stored.config) !== placeOf(config) || stored.config.user !== config.user) return true
  return authentication === 'password' && stored.config['host-key'] !== config['host-key']
}

/** The hosts that this one can be reached through: not itself, and none that is reached through it. */
export function jumpHosts(all: readonly SshHost[], self: SshHost | undefined): SshHost[] {
  return all.filter((host) => self === undefined || !wayTo(host, all).some(({ id }) => id === self.id))
}

/** The way to a host, itself at the end. */
export function wayTo(host: SshHost, all: readonly SshHost[]): SshHost[] {
  const way = [host]
  // The server keeps rows short; a list that is being changed meanwhile need not be.
  for (let jump = host.config['jump-host']; jump && way.length <= all.length; jump = way[0]?.config['jump-host']) {
    const next = all.find(({ id }) => id === jump)
    if (!next) break
    way.unshift(next)
  }
  return way
}

/** `user@host:port` */
export function whereOf({ user, host, port }: SshHostConfig): string {
  return `${user}@${host.includes(':') ? `[${host}]` : host}:${port}`
}
