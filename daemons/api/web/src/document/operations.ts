/**
 * What resources that speak no SQL can be asked. The server knows the same operations by types and refuses what does not fit them.
 * The forms that write them are in `operation-fields.ts`, which is loaded with the first of them.
 */
import type { Operation } from '../api/types'
import { type Fields, isOneOf } from './described'
import { graphqlOperation } from './graphql-document'

export type OperationName = Operation['do']

export interface OperationKind {
  label: string
  /** What a new one says. */
  begin: Operation
  /** Whether it surely changes nothing, as the server sees it. */
  isRead: (operation: Fields) => boolean
  /** One line that says what it does. */
  text: (operation: Fields) => string
}

const always = () => true
const never = () => false

export const isReadRequest = (operation: Fields) => !isOneOf('method', 'POST', 'PUT', 'PATCH', 'DELETE')(operation) || (operation['method'] === 'POST' && operation['reads'] === true)

const namesWrite = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.entries(value).some(([key, inner]) => key === '$out' || key === '$merge' || namesWrite(inner))

export const operationKinds: { readonly [Name in OperationName]: OperationKind } = {
  command: {
    label: 'Command',
    begin: { do: 'command', command: ['GET', 'key'] },
    isRead: (operation) => redisReads.has(String((operation['command'] as string[] | undefined)?.[0] ?? '').trim().toLowerCase()),
    text: (operation) => ((operation['command'] as string[] | undefined) ?? []).join(' '),
  },
  'send-mail': {
    label: 'Send a message',
    begin: { do: 'send-mail', to: [''], subject: '', text: '' },
    isRead: never,
    text: (operation) => `Mails ${((operation['to'] as string[] | undefined) ?? []).join(', ') || 'nobody'}`,
  },
  'list-objects': {
    label: 'List objects',
    begin: { do: 'list-objects', max: 1000 },
    isRead: always,
    text: (operation) => `Lists ${String(operation['prefix'] ?? 'objects')}`,
  },
  'read-object': {
    label: 'Read an object',
    begin: { do: 'read-object', key: '', as: 'text' },
    isRead: always,
    text: (operation) => `Reads ${String(operation['key'] ?? '')}`,
  },
  'write-object': {
    label: 'Write an object',
    begin: { do: 'write-object', key: '', 'if-none-match': false },
    isRead: never,
    text: (operation) => `Writes ${String(operation['key'] ?? '')}`,
  },
  'delete-object': { label: 'Delete an object', begin: { do: 'delete-object', key: '' }, isRead: never, text: (operation) => `Deletes ${String(operation['key'] ?? '')}` },
  'head-object': { label: 'Look at an object', begin: { do: 'head-object', key: '' }, isRead: always, text: (operation) => `Looks at ${String(operation['key'] ?? '')}` },
  'presign-object': {
    label: 'Make an address for an object',
    begin: { do: 'presign-object', key: '', method: 'GET', 'expires-s': 3600 },
    isRead: always,
    text: (operation) => `An address for ${String(operation['key'] ?? '')}`,
  },
  'ldap-search': {
    label: 'Search',
    begin: { do: 'ldap-search', filter: '(objectClass=person)', scope: 'subtree' },
    isRead: always,
    text: (operation) => `Searches ${String(operation['filter'] ?? '')}`,
  },
  request: {
    label: 'Request',
    begin: { do: 'request', method: 'GET', path: '/' },
    isRead: isReadRequest,
    text: (operation) => `${String(operation['method'] ?? 'GET')} ${String(operation['path'] ?? '')}`,
  },
  graphql: {
    label: 'GraphQL',
    begin: { do: 'graphql', document: 'query {\n  __typename\n}' },
    isRead: (operation) => graphqlOperation(String(operation['document'] ?? ''), String(operation['operation-name'] ?? '')) === 'query',
    text: () => 'GraphQL',
  },
  grpc: {
    label: 'Call',
    begin: { do: 'grpc', method: '', message: {} },
    isRead: (operation) => operation['reads'] === true,
    text: (operation) => `Calls ${String(operation['method'] ?? '')}`,
  },
  mongodb: {
    label: 'MongoDB',
    begin: { do: 'mongodb', action: 'find', collection: '', filter: {} },
    isRead: (operation) => isOneOf('action', 'find', 'count', 'distinct')(operation) || (operation['action'] === 'aggregate' && !namesWrite(operation['pipeline'])),
    text: (operation) => `${String(operation['action'] ?? '')} ${String(operation['collection'] ?? '')}`,
  },
  elasticsearch: {
    label: 'Elasticsearch',
    begin: { do: 'elasticsearch', action: 'search', index: '', body: { query: { match_all: {} } } },
    isRead: isOneOf('action', 'search', 'count', 'get'),
    text: (operation) => `${String(operation['action'] ?? '')} ${String(operation['index'] ?? '')}`,
  },
  'amqp-publish': {
    label: 'Publish a message',
    begin: { do: 'amqp-publish', 'routing-key': '' },
    isRead: never,
    text: (operation) => `Publishes ${String(operation['routing-key'] ?? '')}`,
  },
  'nats-publish': { label: 'Publish a message', begin: { do: 'nats-publish', subject: '' }, isRead: never, text: (operation) => `Publishes ${String(operation['subject'] ?? '')}` },
  'nats-request': { label: 'Ask, and wait for the answer', begin: { do: 'nats-request', subject: '' }, isRead: never, text: (operation) => `Asks ${String(operation['subject'] ?? '')}` },
}

/** The operations of each kind of resource, the first for a new query. */
export const operationsOf: { readonly [kind: string]: readonly OperationName[] } = {
  amqp: ['amqp-publish'],
  elasticsearch: ['elasticsearch'],
  graphql: ['graphql'],
  grpc: ['grpc'],
  redis: ['command'],
  rest: ['request'],
  ldap: ['ldap-search'],
  mongodb: ['mongodb'],
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
