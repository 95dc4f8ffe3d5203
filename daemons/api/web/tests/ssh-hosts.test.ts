import { expect, test } from 'vitest'
import type { SshHost } from '../src/api/types'
import { isSecretNeeded, jumpHosts, secretOf, wayTo, whereOf } from '../src/studio/ssh-hosts'

const host = (id: string, jump?: string): SshHost => ({
  id,
  name: id,
  config: { host: `${id}.example.org`, port: 22, user: 'tunnel', 'host-key': 'ssh-ed25519 AAAA', ...(jump ? { 'jump-host': jump } : {}) },
  fingerprint: 'SHA256:x',
  authentication: 'key',
  resources: [],
  ssh_hosts: [],
  updated_at: '2026-01-01T00:00:00Z',
})
const [first, second, third] = [host('first'), host('second', 'first'), host('third', 'second')]
const all = [third, second, first]

test('the way to a host begins at the one that is reached directly', () => {
  expect(wayTo(third, all).map(({ id }) => id)).toEqual(['first', 'second', 'third'])
  expect(wayTo(host('lost', 'nowhere'), all).map(({ id }) => id)).toEqual(['lost'])
  const circle = [host('a', 'b'), host('b', 'a')]
  expect(wayTo(circle[0] as SshHost, circle).length).toBeLessThan(5)
})

test('a host is offered none to go through that goes through it', () => {
  expect(jumpHosts(all, second).map(({ id }) => id)).toEqual(['first'])
  expect(jumpHosts(all, undefined)).toHaveLength(3)
})

test('a secret follows no new destination, and a new kind of log-in needs one', () => {
  const change = (config: Partial<SshHost['config']>) => isSecretNeeded(second, { ...second.config, ...config }, 'key')
  expect(change({})).toBe(false)
  expect(change({ 'host-key': 'ssh-ed25519 BBBB' })).toBe(false)
  for (const moved of [{ host: 'other' }, { port: 2222 }, { user: 'root' }, { 'jump-host': 'third' }]) expect(change(moved)).toBe(true)
  expect(isSecretNeeded(second, second.config, 'password')).toBe(true)
  expect(isSecretNeeded(undefined, second.config, 'key')).toBe(true)
  const withPassword: SshHost = { ...second, authentication: 'password' }
  expect(isSecretNeeded(withPassword, { ...second.config, 'host-key': 'ssh-ed25519 BBBB' }, 'password')).toBe(true)
  expect(isSecretNeeded(withPassword, second.config, 'password')).toBe(false)
})

test('only the secret of the chosen log-in is sent', () => {
  const draft = { authentication: 'key', privateKey: '', passphrase: '', password: 'left over' } as const
  expect(secretOf(draft)).toBeUndefined()
  expect(secretOf({ ...draft, privateKey: 'key' })).toEqual({ authentication: 'key', 'private-key': 'key' })
  expect(secretOf({ ...draft, privateKey: 'key', passphrase: 'p' })).toEqual({ authentication: 'key', 'private-key': 'key', passphrase: 'p' })
  expect(secretOf({ ...draft, authentication: 'password' })).toEqual({ authentication: 'password', password: 'left over' })
})

test('an address of IPv6 is written so that its port can be told', () => {
  expect(whereOf({ ...first.config, host: 'fd00::1' })).toBe('tunnel@[fd00::1]:22')
})
