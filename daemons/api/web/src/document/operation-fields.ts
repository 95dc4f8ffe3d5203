/** The forms that write what resources which speak no SQL are asked: their fields, in their order. */
import { type DescribedField, isOneOf } from './described'
import { type OperationName, isReadRequest } from './operations'

const bucket: DescribedField = { key: 'bucket', label: 'Bucket', type: 'text', placeholder: "the resource's own" }
const key: DescribedField = { key: 'key', label: 'Key', type: 'text', isRequired: true, placeholder: 'reports/{{ month.value }}.csv' }

const message: readonly DescribedField[] = [
  { key: 'subject', label: 'Subject', type: 'text', isRequired: true, placeholder: 'orders.{{ region.value }}.new' },
  { key: 'text', label: 'Message as text', type: 'area' },
  { key: 'json', label: 'Message as JSON', type: 'json', hint: 'In the place of a text.' },
  { key: 'headers', label: 'Headers', type: 'pairs', noun: 'header' },
]

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

export const operationFields: { readonly [Name in OperationName]: readonly DescribedField[] } = {
  command: [{ key: 'command', label: 'Command', type: 'words', noun: 'argument', placeholder: 'user:{{ id }}', hint: 'Its name, then its arguments: each is sent as one value, whatever is in it.' }],
  'send-mail': [
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
  'list-objects': [
    bucket,
    { key: 'prefix', label: 'Prefix', type: 'text', placeholder: 'reports/' },
    { key: 'delimiter', label: 'Delimiter', type: 'text', placeholder: '/', hint: 'With / the list is that of one folder.' },
    { key: 'max', label: 'Objects at most', type: 'number', placeholder: '1000' },
    { key: 'continuation', label: 'Continue at', type: 'text', placeholder: '{{ list.meta.continuation }}' },
  ],
  'read-object': [
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
  'write-object': [
    bucket,
    key,
    { key: 'text', label: 'Content as text', type: 'area' },
    { key: 'json', label: 'Content as JSON', type: 'json' },
    { key: 'base64', label: 'Content as base64', type: 'text', placeholder: '{{ file.value.base64 }}', hint: 'One of text, JSON and base64.' },
    { key: 'content-type', label: 'Media type', type: 'text', placeholder: 'by its content' },
    { key: 'if-none-match', label: 'Leave one that is there as it is, and fail', type: 'check' },
  ],
  'delete-object': [bucket, key],
  'head-object': [bucket, key],
  'presign-object': [
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
  'ldap-search': [
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
  request: requestFields,
  graphql: [
    { key: 'document', label: 'Document', type: 'area', isRequired: true, hint: 'It has no {{ }}: values go into variables.' },
    { key: 'variables', label: 'Variables', type: 'json', placeholder: '{ "id": "{{ table.selectedRow.id }}" }' },
    { key: 'operation-name', label: 'Operation', type: 'text', hint: 'Where the document has several.' },
    { key: 'items', label: 'Part of the answer', type: 'text', placeholder: '/users/nodes', hint: 'A JSON pointer. All data when empty.' },
  ],
  grpc: [
    { key: 'method', label: 'Method', type: 'text', isRequired: true, placeholder: 'shop.v1.Orders/GetOrder', hint: 'One that takes one message; its answer is one, or a stream of them.' },
    { key: 'message', label: 'Message', type: 'json', placeholder: '{ "orderId": "{{ orderTable.selectedRow.id }}" }', hint: 'Texts may hold {{ }}; one that is a single {{ }} becomes its value, whatever type that has.' },
    { key: 'metadata', label: 'Metadata', type: 'named', noun: 'name' },
    { key: 'reads', label: 'This method changes nothing', type: 'check' },
    { key: 'items', label: 'Part of the answer', type: 'text', placeholder: '/orders', hint: 'A JSON pointer. All of it when empty; each message of a stream is a row.' },
  ],
  mongodb: mongodbFields,
  elasticsearch: elasticsearchFields,
  'amqp-publish': [
    { key: 'exchange', label: 'Exchange', type: 'text', placeholder: 'the default one', hint: 'The default exchange leads to the queue that the routing key names.' },
    { key: 'routing-key', label: 'Routing key', type: 'text', placeholder: 'orders' },
    { key: 'text', label: 'Message as text', type: 'area' },
    { key: 'json', label: 'Message as JSON', type: 'json', hint: 'In the place of a text.' },
    { key: 'headers', label: 'Headers', type: 'json' },
    { key: 'properties', label: 'Properties', type: 'json', placeholder: '{ "correlation-id": "{{ order.id }}" }' },
  ],
  'nats-publish': message,
  'nats-request': message,
}
