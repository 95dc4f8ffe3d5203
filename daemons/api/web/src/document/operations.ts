/**
 * What resources that speak no SQL can be asked, for the forms that write it.
 *
 * The server knows the same operations by types and refuses what does not fit them; here are their words and their order.
 */
import type { Operation } from '../api/types'
import { type DescribedField, type Fields, isOneOf } from './described'
import { graphqlOperation } from './graphql-document'

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

const isReadRequest = (operation: Fields) => !isOneOf('method', 'POST', 'PUT', 'PATCH', 'DELETE')(operation) || (operation['method'] === 'POST' && operation['reads'] === true)
const parameter = (by: string): DescribedField => ({ key: 'paging.pages.parameter', label: 'Query parameter', type: 'text', isRequired: true, when: isOneOf('paging.pages.by', by) })

const requestFields: readonly DescribedField[] = [
  { key: 'method', label: 'Method', type: 'choice', options: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((name) => [name, name] as const) },
  { key: 'path', label: 'Path', type: 'text', placeholder: '/orders/{{ orderTable.selectedRow.id }}', hint: "It follows the resource's URL. A value is one segment, whatever is in it." },
  { key: 'query', label: 'Query parameters', type: 'named', noun: 'parameter' },
  { key: 'headers', label: 'Headers', type: 'named', noun: 'header' },
  {
    key: 'body',
    label: 'Body',
    type: 'variant',
    tag: 'as',
    options: [
      ['none', 'None', { as: 'none' }],
      ['json', 'JSON', { as: 'json', json: {} }],
      ['form', 'Form', { as: 'form', fields: [] }],
      ['text', 'Text', { as: 'text', text: '' }],
      ['bytes', 'Bytes', { as: 'bytes', base64: '' }],
      ['file', 'A file in a form', { as: 'file', field: 'file', 'file-name': '{{ file.value.name }}', base64: '{{ file.value.base64 }}' }],
    ],
  },
  { key: 'body.json', label: 'JSON', type: 'json', isRequired: true, hint: 'Texts may hold {{ }}; one that is a single {{ }} becomes its value, whatever type that has.', when: isOneOf('body.as', 'json') },
  { key: 'body.field', label: "The file's field", type: 'text', isRequired: true, when: isOneOf('body.as', 'file') },
  { key: 'body.file-name', label: "The file's name", type: 'text', isRequired: true, when: isOneOf('body.as', 'file') },
  { key: 'body.text', label: 'Text', type: 'area', isRequired: true, when: isOneOf('body.as', 'text') },
  { key: 'body.base64', label: 'Bytes, as base64', type: 'text', isRequired: true, when: isOneOf('body.as', 'bytes', 'file') },
  { key: 'body.content-type', label: 'Media type', type: 'text', when: isOneOf('body.as', 'text', 'bytes', 'file') },
  { key: 'body.fields', label: 'Fields', type: 'named', noun: 'field', when: isOneOf('body.as', 'form', 'file') },
  { key: 'reads', label: 'This POST changes nothing', type: 'check', when: (operation) => operation['method'] === 'POST' || operation['reads'] === true },
  { key: 'items', label: 'Part of the answer', type: 'text', placeholder: '/data/orders', hint: 'A JSON pointer. All of it when empty.' },
  {
    key: 'paging',
    label: 'Pages',
    type: 'variant',
    tag: 'pages.by',
    hint: 'Asks for page after page of a read, and gives them as one.',
    options: [
      ['', 'One answer', undefined],
      ['link-header', 'By the Link header', { pages: { by: 'link-header' }, 'at-most': 10 }],
      ['cursor', 'By a cursor in the answer', { pages: { by: 'cursor', cursor: '/next', parameter: 'cursor' }, 'at-most': 10 }],
      ['page', 'By number', { pages: { by: 'page', parameter: 'page', first: 1 }, 'at-most': 10 }],
      ['offset', 'By offset', { pages: { by: 'offset', parameter: 'offset' }, 'at-most': 10 }],
    ],
    when: (operation) => operation['paging'] !== undefined || isReadRequest(operation),
  },
  { key: 'paging.pages.cursor', label: 'Where the cursor is', type: 'text', isRequired: true, placeholder: '/meta/next', when: isOneOf('paging.pages.by', 'cursor') },
  parameter('cursor'),
  parameter('page'),
  parameter('offset'),
  { key: 'paging.at-most', label: 'Pages at most', type: 'number', when: isOneOf('paging.pages.by', 'link-header', 'cursor', 'page', 'offset') },
]

const elasticsearchFields: readonly DescribedField[] = [
  {
    key: '',
    label: 'Action',
    type: 'variant',
    tag: 'action',
    options: [
      ['search', 'Search', { do: 'elasticsearch', action: 'search', index: '', body: { query: { match_all: {} } } }],
      ['count', 'Count', { do: 'elasticsearch', action: 'count', index: '' }],
      ['get', 'Read a document', { do: 'elasticsearch', action: 'get', index: '', id: '' }],
      ['index', 'Write a document', { do: 'elasticsearch', action: 'index', index: '', document: {} }],
      ['update', 'Change a document', { do: 'elasticsearch', action: 'update', index: '', id: '', document: {} }],
      ['delete', 'Delete a document', { do: 'elasticsearch', action: 'delete', index: '', id: '' }],
      ['bulk', 'Write many documents', { do: 'elasticsearch', action: 'bulk', index: '', each: 'index', rows: '{{ load.rows }}' }],
    ],
  },
  { key: 'index', label: 'Index', type: 'text', isRequired: true, placeholder: 'orders-*' },
  { key: 'id', label: 'Document ID', type: 'text', isRequired: true, when: isOneOf('action', 'get', 'update', 'delete') },
  { key: 'id', label: 'Document ID', type: 'text', placeholder: 'given by the server', when: isOneOf('action', 'index') },
  { key: 'body', label: 'Request', type: 'json', placeholder: '{ "query": { "match": { "name": "{{ search.value }}" } } }', when: isOneOf('action', 'search', 'count') },
  { key: 'document', label: 'Document', type: 'json', isRequired: true, hint: 'Of a change: the fields that change.', when: isOneOf('action', 'index', 'update') },
  {
    key: 'each',
    label: 'Each is',
    type: 'choice',
    options: [
      ['index', 'Written'],
      ['create', 'Written, if none has its ID'],
      ['update', 'Changed in its fields'],
      ['delete', 'Deleted'],
    ],
    when: isOneOf('action', 'bulk'),
  },
  { key: 'rows', label: 'Documents', type: 'json', isRequired: true, placeholder: '"{{ load.rows }}"', hint: 'A list of objects.', when: isOneOf('action', 'bulk') },
  { key: 'id-field', label: 'Member that is the ID', type: 'text', when: isOneOf('action', 'bulk') },
  { key: 'wait', label: 'Wait until searches see it', type: 'check', when: isOneOf('action', 'index', 'update', 'delete', 'bulk') },
]

const mongodbFields: readonly DescribedField[] = [
  {
    key: '',
    label: 'Action',
    type: 'variant',
    tag: 'action',
    options: [
      ['find', 'Find documents', { do: 'mongodb', action: 'find', collection: '', filter: {} }],
      ['aggregate', 'Aggregate', { do: 'mongodb', action: 'aggregate', collection: '', pipeline: [{ $match: {} }] }],
      ['count', 'Count documents', { do: 'mongodb', action: 'count', collection: '', filter: {} }],
      ['distinct', 'Different values of a field', { do: 'mongodb', action: 'distinct', collection: '', field: '' }],
      ['insert', 'Add documents', { do: 'mongodb', action: 'insert', collection: '', documents: {} }],
      ['update', 'Change documents', { do: 'mongodb', action: 'update', collection: '', filter: { _id: '{{ table.selectedRow._id }}' }, update: { $set: {} } }],
      ['replace', 'Replace a document', { do: 'mongodb', action: 'replace', collection: '', filter: { _id: '{{ table.selectedRow._id }}' }, document: {} }],
      ['delete', 'Delete documents', { do: 'mongodb', action: 'delete', collection: '', filter: { _id: '{{ table.selectedRow._id }}' } }],
    ],
  },
  { key: 'collection', label: 'Collection', type: 'text', isRequired: true, placeholder: 'orders' },
  { key: 'field', label: 'Field', type: 'text', isRequired: true, when: isOneOf('action', 'distinct') },
  { key: 'filter', label: 'Filter', type: 'json', placeholder: '{ "customer": "{{ customer.value }}" }', hint: 'Bindings are values and never operators. An id that is typed: { "_id": { "$oid": "{{ id.value }}" } }.', when: isOneOf('action', 'find', 'count', 'distinct') },
  { key: 'filter', label: 'Filter', type: 'json', isRequired: true, hint: 'At least one condition.', when: isOneOf('action', 'update', 'replace', 'delete') },
  { key: 'pipeline', label: 'Pipeline', type: 'json', isRequired: true, hint: 'A list of stages. $sort by several fields is a list of them. With $out or $merge it is a write.', when: isOneOf('action', 'aggregate') },
  { key: 'documents', label: 'Documents', type: 'json', isRequired: true, placeholder: '"{{ load.rows }}"', hint: 'An object, or a list of objects.', when: isOneOf('action', 'insert') },
  { key: 'update', label: 'Change', type: 'json', isRequired: true, placeholder: '{ "$set": { "state": "{{ state.value }}" } }', when: isOneOf('action', 'update') },
  { key: 'document', label: 'Document', type: 'json', isRequired: true, when: isOneOf('action', 'replace') },
  { key: 'many', label: 'All that fit, not only the first', type: 'check', when: isOneOf('action', 'update', 'delete') },
  { key: 'at-most', label: 'That may fit at most', type: 'number', placeholder: '1000', hint: 'More, and none is changed.', when: (operation) => operation['many'] === true },
  { key: 'upsert', label: 'Add one where none fits', type: 'check', when: (operation) => isOneOf('action', 'update', 'replace')(operation) && operation['many'] !== true },
  { key: 'projection', label: 'Fields', type: 'json', placeholder: '{ "name": 1 }', hint: 'All when empty.', when: isOneOf('action', 'find') },
  { key: 'sort', label: 'Order', type: 'json', placeholder: '[{ "field": "placed", "descending": true }]', when: isOneOf('action', 'find') },
  { key: 'limit', label: 'At most', type: 'json', placeholder: 'the limit of rows', hint: 'A number, or a text that is one {{ }}.', when: isOneOf('action', 'find') },
  { key: 'skip', label: 'Pass by', type: 'json', placeholder: '"{{ table.offset }}"', when: isOneOf('action', 'find') },
]

const namesWrite = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.entries(value).some(([key, inner]) => key === '$out' || key === '$merge' || namesWrite(inner))

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
    begin: { do: 'write-object', key: '', 'if-none-match': false },
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
  request: {
    label: 'Request',
    begin: { do: 'request', method: 'GET', path: '/' },
    fields: requestFields,
    isRead: isReadRequest,
    text: (operation) => `${String(operation['method'] ?? 'GET')} ${String(operation['path'] ?? '')}`,
  },
  graphql: {
    label: 'GraphQL',
    begin: { do: 'graphql', document: 'query {\n  __typename\n}' },
    fields: [
      { key: 'document', label: 'Document', type: 'area', isRequired: true, hint: 'It has no {{ }}: values go into variables.' },
      { key: 'variables', label: 'Variables', type: 'json', placeholder: '{ "id": "{{ table.selectedRow.id }}" }' },
      { key: 'operation-name', label: 'Operation', type: 'text', hint: 'Where the document has several.' },
      { key: 'items', label: 'Part of the answer', type: 'text', placeholder: '/users/nodes', hint: 'A JSON pointer. All data when empty.' },
    ],
    isRead: (operation) => graphqlOperation(String(operation['document'] ?? ''), String(operation['operation-name'] ?? '')) === 'query',
    text: () => 'GraphQL',
  },
  grpc: {
    label: 'Call',
    begin: { do: 'grpc', method: '', message: {} },
    fields: [
      { key: 'method', label: 'Method', type: 'text', isRequired: true, placeholder: 'shop.v1.Orders/GetOrder', hint: 'One that takes one message; its answer is one, or a stream of them.' },
      { key: 'message', label: 'Message', type: 'json', placeholder: '{ "orderId": "{{ orderTable.selectedRow.id }}" }', hint: 'Texts may hold {{ }}; one that is a single {{ }} becomes its value, whatever type that has.' },
      { key: 'metadata', label: 'Metadata', type: 'named', noun: 'name' },
      { key: 'reads', label: 'This method changes nothing', type: 'check' },
      { key: 'items', label: 'Part of the answer', type: 'text', placeholder: '/orders', hint: 'A JSON pointer. All of it when empty; each message of a stream is a row.' },
    ],
    isRead: (operation) => operation['reads'] === true,
    text: (operation) => `Calls ${String(operation['method'] ?? '')}`,
  },
  mongodb: {
    label: 'MongoDB',
    begin: { do: 'mongodb', action: 'find', collection: '', filter: {} },
    fields: mongodbFields,
    isRead: (operation) => isOneOf('action', 'find', 'count', 'distinct')(operation) || (operation['action'] === 'aggregate' && !namesWrite(operation['pipeline'])),
    text: (operation) => `${String(operation['action'] ?? '')} ${String(operation['collection'] ?? '')}`,
  },
  elasticsearch: {
    label: 'Elasticsearch',
    begin: { do: 'elasticsearch', action: 'search', index: '', body: { query: { match_all: {} } } },
    fields: elasticsearchFields,
    isRead: isOneOf('action', 'search', 'count', 'get'),
    text: (operation) => `${String(operation['action'] ?? '')} ${String(operation['index'] ?? '')}`,
  },
  'amqp-publish': {
    label: 'Publish a message',
    begin: { do: 'amqp-publish', 'routing-key': '' },
    fields: [
      { key: 'exchange', label: 'Exchange', type: 'text', placeholder: 'the default one', hint: 'The default exchange leads to the queue that the routing key names.' },
      { key: 'routing-key', label: 'Routing key', type: 'text', placeholder: 'orders' },
      { key: 'text', label: 'Message as text', type: 'area' },
      { key: 'json', label: 'Message as JSON', type: 'json', hint: 'In the place of a text.' },
      { key: 'headers', label: 'Headers', type: 'json' },
      { key: 'properties', label: 'Properties', type: 'json', placeholder: '{ "correlation-id": "{{ order.id }}" }' },
    ],
    isRead: never,
    text: (operation) => `Publishes ${String(operation['routing-key'] ?? '')}`,
  },
  'nats-publish': { label: 'Publish a message', begin: { do: 'nats-publish', subject: '' }, fields: message, isRead: never, text: (operation) => `Publishes ${String(operation['subject'] ?? '')}` },
  'nats-request': { label: 'Ask, and wait for the answer', begin: { do: 'nats-request', subject: '' }, fields: message, isRead: never, text: (operation) => `Asks ${String(operation['subject'] ?? '')}` },
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
