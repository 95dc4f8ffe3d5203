/**
 * What resources that speak no SQL can be asked, for the forms that write it.
 *
 * The server knows the same operations by types and refuses what does not fit them; here are their words and their order.
 */
import type { Operation } from '../api/types'
import type { DescribedField, Fields } from './described'

export type OperationName = Operation['do']

export interface OperationKind {
  label: string
  /** What a new one says. */
  begin: Operation
  fields: readonly DescribedField[]
  /** Whether it surely changes nothing, as the server sees it. */
  isRead: (operation: Fields) => boolean
  /** One line that says what it does. */
  text: (operation: Fields) => string
}

const always = () => true
const never = () => false

const bucket: DescribedField = { key: 'bucket', label: 'Bucket', type: 'text', placeholder: "the resource's own" }
const key: DescribedField = { key: 'key', label: 'Key', type: 'text', isRequired: true, placeholder: 'reports/{{ month.value }}.csv' }

const message: readonly DescribedField[] = [
  { key: 'subject', label: 'Subject', type: 'text', isRequired: true, placeholder: 'orders.{{ region.value }}.new' },
  { key: 'text', label: 'Message as text', type: 'area' },
  { key: 'json', label: 'Message as JSON', type: 'json', hint: 'In the place of a text.' },
  { key: 'headers', label: 'Headers', type: 'pairs', noun: 'header' },
]

export const operationKinds: { readonly [Name in OperationName]: OperationKind } = {
  command: {
    label: 'Command',
    begin: { do: 'command', command: ['GET', 'key'] },
    fields: [{ key: 'command', label: 'Command', type: 'words', noun: 'argument', placeholder: 'user:{{ id }}', hint: 'Its name, then its arguments: each is sent as one value, whatever is in it.' }],
    isRead: (operation) => redisReads.has(String((operation['command'] as string[] | undefined)?.[0] ?? '').trim().toLowerCase()),
    text: (operation) => ((operation['command'] as string[] | undefined) ?? []).join(' '),
  },
  'send-mail': {
    label: 'Send a message',
    begin: { do: 'send-mail', to: [''], subject: '', text: '' },
    fields: [
      { key: 'to', label: 'To', type: 'words', noun: 'recipient', placeholder: 'ada@example.org', hint: 'One address each; a single {{ }} may be a list of addresses.' },
      { key: 'cc', label: 'Copy to', type: 'words', noun: 'recipient of a copy' },
      { key: 'bcc', label: 'Hidden copy to', type: 'words', noun: 'recipient of a hidden copy' },
      { key: 'reply-to', label: 'Answers to', type: 'text', placeholder: "the sender's address" },
      { key: 'from-name', label: 'Name of the sender', type: 'text', placeholder: "the resource's" },
      { key: 'subject', label: 'Subject', type: 'text', isRequired: true },
      { key: 'text', label: 'Message as text', type: 'area' },
      { key: 'html', label: 'Message as HTML', type: 'area', hint: 'Values in it are escaped, unless all of it is one {{ }}.' },
      { key: 'attachments', label: 'Attachments', type: 'json', placeholder: '[{ "name": "report.csv", "text": "{{ report.csv }}" }]', hint: 'A list of files with name, type, and base64 or text.' },
    ],
    isRead: never,
    text: (operation) => `Mails ${((operation['to'] as string[] | undefined) ?? []).join(', ') || 'nobody'}`,
  },
  'list-objects': {
    label: 'List objects',
    begin: { do: 'list-objects', max: 1000 },
    fields: [
      bucket,
      { key: 'prefix', label: 'Prefix', type: 'text', placeholder: 'reports/' },
      { key: 'delimiter', label: 'Delimiter', type: 'text', placeholder: '/', hint: 'With / the list is that of one folder.' },
      { key: 'max', label: 'Objects at most', type: 'number', placeholder: '1000' },
      { key: 'continuation', label: 'Continue at', type: 'text', placeholder: '{{ list.meta.continuation }}' },
    ],
    isRead: always,
    text: (operation) => `Lists ${String(operation['prefix'] ?? 'objects')}`,
  },
  'read-object': {
    label: 'Read an object',
    begin: { do: 'read-object', key: '', as: 'text' },
    fields: [
      bucket,
      key,
      {
        key: 'as',
        label: 'Read as',
        type: 'choice',
        options: [
          ['text', 'Text'],
          ['json', 'JSON'],
          ['base64', 'Bytes, as base64'],
        ],
      },
    ],
    isRead: always,
    text: (operation) => `Reads ${String(operation['key'] ?? '')}`,
  },
  'write-object': {
    label: 'Write an object',
    begin: { do: 'write-object', key: '', text: '', 'if-none-match': false },
    fields: [
      bucket,
      key,
      { key: 'text', label: 'Content as text', type: 'area' },
      { key: 'json', label: 'Content as JSON', type: 'json' },
      { key: 'base64', label: 'Content as base64', type: 'text', placeholder: '{{ file.value.base64 }}', hint: 'One of text, JSON and base64.' },
      { key: 'content-type', label: 'Media type', type: 'text', placeholder: 'by its content' },
      { key: 'if-none-match', label: 'Leave one that is there as it is, and fail', type: 'check' },
    ],
    isRead: never,
    text: (operation) => `Writes ${String(operation['key'] ?? '')}`,
  },
  'delete-object': { label: 'Delete an object', begin: { do: 'delete-object', key: '' }, fields: [bucket, key], isRead: never, text: (operation) => `Deletes ${String(operation['key'] ?? '')}` },
  'head-object': { label: 'Look at an object', begin: { do: 'head-object', key: '' }, fields: [bucket, key], isRead: always, text: (operation) => `Looks at ${String(operation['key'] ?? '')}` },
  'presign-object': {
    label: 'Make an address for an object',
    begin: { do: 'presign-object', key: '', method: 'GET', 'expires-s': 3600 },
    fields: [
      bucket,
      key,
      {
        key: 'method',
        label: 'For',
        type: 'choice',
        options: [
          ['GET', 'Reading'],
          ['PUT', 'Writing'],
        ],
      },
      { key: 'expires-s', label: 'Seconds that it serves', type: 'number', placeholder: '3600', hint: 'Seven days at most. Whoever has the address may use it.' },
    ],
    isRead: always,
    text: (operation) => `An address for ${String(operation['key'] ?? '')}`,
  },
  'ldap-search': {
    label: 'Search',
    begin: { do: 'ldap-search', filter: '(objectClass=person)', scope: 'subtree' },
    fields: [
      { key: 'filter', label: 'Filter', type: 'text', isRequired: true, placeholder: '(&(objectClass=person)(uid={{ uid.value }}))', hint: 'Values are escaped: none can change the filter.' },
      { key: 'base', label: 'Base', type: 'text', placeholder: "the resource's", hint: 'Where the search begins.' },
      {
        key: 'scope',
        label: 'Scope',
        type: 'choice',
        options: [
          ['subtree', 'The base and all below it'],
          ['one', 'What is directly below it'],
          ['base', 'The base alone'],
        ],
      },
      { key: 'attributes', label: 'Attributes', type: 'words', noun: 'attribute', placeholder: 'mail', hint: 'All that are not operational, when there are none.' },
      { key: 'size-limit', label: 'Entries at most', type: 'number', placeholder: 'the limit of rows' },
    ],
    isRead: always,
    text: (operation) => `Searches ${String(operation['filter'] ?? '')}`,
  },
  'nats-publish': { label: 'Publish a message', begin: { do: 'nats-publish', subject: '', text: '' }, fields: message, isRead: never, text: (operation) => `Publishes ${String(operation['subject'] ?? '')}` },
  'nats-request': { label: 'Ask, and wait for the answer', begin: { do: 'nats-request', subject: '', text: '' }, fields: message, isRead: never, text: (operation) => `Asks ${String(operation['subject'] ?? '')}` },
}

/** The operations of each kind of resource, the first for a new query. */
export const operationsOf: { readonly [kind: string]: readonly OperationName[] } = {
  redis: ['command'],
  ldap: ['ldap-search'],
  nats: ['nats-publish', 'nats-request'],
  smtp: ['send-mail'],
  s3: ['list-objects', 'read-object', 'write-object', 'delete-object', 'head-object', 'presign-object'],
}

export function isReadOperation(operation: Operation): boolean {
  return operationKinds[operation.do]?.isRead(operation as unknown as Fields) ?? false
}

/** One line that says what an operation does. */
export function operationText(operation: Operation): string {
  const kind = operationKinds[operation.do]
  return kind ? kind.text(operation as unknown as Fields) || kind.label : operation.do
}

/** All texts of an operation, which may hold bindings. */
export function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsOf)
  return []
}

/** The same operation with each text rewritten. */
export function mapTexts<Value>(value: Value, rewrite: (text: string) => string): Value {
  if (typeof value === 'string') return rewrite(value) as Value
  if (Array.isArray(value)) return value.map((item) => mapTexts(item as unknown, rewrite)) as Value
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item as unknown, rewrite)])) as Value
  return value
}

/** The commands of Redis that change nothing: those of the server's own list (a test compares them). */
export const redisReads: ReadonlySet<string> = new Set(
  'bitcount bitfield_ro bitpos dbsize echo exists expiretime geodist geohash geopos georadius_ro georadiusbymember_ro geosearch get getbit getrange hexists hget hgetall hkeys hlen hmget hrandfield hscan hstrlen hvals keys lcs lindex llen lpos lrange mget pexpiretime pfcount ping pttl randomkey scan scard sdiff sinter sintercard sismember smembers smismember sort_ro srandmember sscan strlen substr sunion time ttl type xinfo xlen xpending xrange xread xrevrange zcard zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion'.split(
    ' ',
  ),
)
