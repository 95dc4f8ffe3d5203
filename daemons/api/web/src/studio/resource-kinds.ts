/**
 * The kinds of resources: their words, the fields of their settings, what their secret is called.
 *
 * The server knows the same settings by types and refuses what does not fit them.
 */
import { ChartColumn, ContactRound, Database, FileText, FolderOpen, Globe, Leaf, type LucideIcon, Mail, Rabbit, Search, Send, Share2, Workflow, Zap } from 'lucide-react'
import type { ResourceConfig } from '../api/types'
import { type DescribedField, type Fields, isOneOf } from '../document/described'

export type Kind = ResourceConfig['kind']

export interface ResourceKind {
  label: string
  /** One line: what it is for. */
  about: string
  icon: LucideIcon
  /** The settings of a new one. */
  begin: ResourceConfig
  fields: readonly DescribedField[]
  /** What its secret is; nothing where there is none to enter. */
  secret: (settings: Fields) => string | undefined
  /** Where it is, in one line. */
  where: (settings: Fields) => string
}

const isEncrypted = (settings: Fields) => settings['tls'] !== 'disabled'
const url: DescribedField = { key: 'url', label: 'URL', type: 'text', isRequired: true }
const host: DescribedField = { key: 'host', label: 'Host', type: 'text', placeholder: 'db.example.org', isRequired: true }
const port: DescribedField = { key: 'port', label: 'Port', type: 'number', isRequired: true }
const tls: DescribedField = {
  key: 'tls',
  label: 'Encryption',
  type: 'choice',
  options: [
    ['verify-full', 'TLS, certificate and host name checked'],
    ['disabled', 'None: a server on this machine'],
  ],
}
const authority: DescribedField = {
  key: 'ca-certificate',
  label: "Authority's certificate",
  type: 'area',
  placeholder: '-----BEGIN CERTIFICATE-----',
  hint: "Only for an authority of your own; the system's authorities are known.",
  when: isEncrypted,
}
/** Kinds whose server asks for no certificate: a file, and storage that knows who asks by signatures. */
const withoutCertificate: ReadonlySet<string> = new Set(['sqlite', 's3'])
/** Whether a client certificate can be shown; one that is there can be removed in any case. */
export const showsCertificate = (kind: Kind, settings: Fields) =>
  !withoutCertificate.has(kind) && (settings['client-certificate'] !== undefined || ('url' in settings ? !String(settings['url']).startsWith('http:') : isEncrypted(settings)))
const password = () => 'Password'
const place = (settings: Fields) => `${String(settings['host'] ?? '')}:${String(settings['port'] ?? '')}`
const userAt = (settings: Fields) => `${settings['user'] ? `${String(settings['user'])}@` : ''}${place(settings)}`

const isOauth = isOneOf('authentication.type', 'oauth2', 'oauth2-code')
const isForClient = isOneOf('authentication.type', 'oauth2')
const isForAccount = isOneOf('authentication.type', 'oauth2-code')
const httpFields: readonly DescribedField[] = [
  url,
  { key: 'headers', label: 'Headers of every request', type: 'pairs', noun: 'header', hint: 'No place for a secret: everybody who may look at the resource reads them.' },
  {
    key: 'authentication',
    label: 'Authentication',
    type: 'variant',
    tag: 'type',
    options: [
      ['none', 'None', { type: 'none' }],
      ['basic', 'User and password', { type: 'basic', user: '' }],
      ['bearer', 'Bearer token', { type: 'bearer' }],
      ['api-key-header', 'API key in a header', { type: 'api-key-header', header: 'X-API-Key' }],
      ['api-key-query', 'API key in a query parameter', { type: 'api-key-query', parameter: 'api_key' }],
      ['oauth2', 'OAuth 2, client credentials', { type: 'oauth2', 'token-url': '', 'client-id': '' }],
      ['oauth2-code', 'OAuth 2, an account that somebody connects', { type: 'oauth2-code', 'authorization-url': '', 'token-url': '', 'client-id': '' }],
    ],
  },
  { key: 'authentication.user', label: 'User', type: 'text', isRequired: true, when: isOneOf('authentication.type', 'basic') },
  { key: 'authentication.header', label: 'Header', type: 'text', isRequired: true, when: isOneOf('authentication.type', 'api-key-header') },
  { key: 'authentication.prefix', label: 'Before the key', type: 'text', placeholder: 'ApiKey ', when: isOneOf('authentication.type', 'api-key-header') },
  { key: 'authentication.parameter', label: 'Query parameter', type: 'text', isRequired: true, when: isOneOf('authentication.type', 'api-key-query') },
  {
    key: 'authentication.account',
    label: 'Account',
    type: 'choice',
    options: [
      ['shared', 'One for everybody, connected here'],
      ['own', 'Of each person who asks; workflows cannot ask'],
    ],
    when: isForAccount,
  },
  { key: 'authentication.authorization-url', label: 'Authorisation URL', type: 'text', isRequired: true, when: isForAccount },
  { key: 'authentication.token-url', label: 'Token URL', type: 'text', isRequired: true, when: isOauth },
  { key: 'authentication.client-id', label: 'Client ID', type: 'text', isRequired: true, when: isOauth },
  { key: 'authentication.scope', label: 'Scope', type: 'text', when: isOauth },
  { key: 'authentication.audience', label: 'Audience', type: 'text', when: isForClient },
  { key: 'authentication.parameters', label: 'Further parameters of the authorisation URL', type: 'pairs', noun: 'parameter', when: isForAccount },
  { key: 'authentication.ca-certificate', label: "Authority's certificate of the token server", type: 'area', placeholder: '-----BEGIN CERTIFICATE-----', when: isOauth },
  { key: 'authentication.secret-in-form', label: 'ID and secret go into the form', type: 'check', when: isOauth },
  authority,
]
const httpSecrets: Record<string, string> = { basic: 'Password', bearer: 'Token', 'api-key-header': 'Key', 'api-key-query': 'Key', oauth2: 'Client secret', 'oauth2-code': 'Client secret' }
const httpSecret = (settings: Fields) => httpSecrets[String((settings['authentication'] as Fields | undefined)?.['type'] ?? 'none')]
const urlOf = (settings: Fields) => String(settings['url'] ?? '')

const databaseFields: readonly DescribedField[] = [host, port, { key: 'database', label: 'Database', type: 'text', isRequired: true }, { key: 'user', label: 'User', type: 'text', isRequired: true }, tls, authority]
const databaseOf = (settings: Fields) => `${userAt(settings)}/${String(settings['database'] ?? '')}`

export const resourceKinds: { readonly [Name in Kind]: ResourceKind } = {
  postgresql: {
    label: 'PostgreSQL',
    about: 'SQL database, and what speaks its protocol',
    icon: Database,
    begin: { kind: 'postgresql', host: '', port: 5432, database: '', user: '', tls: 'verify-full' },
    fields: databaseFields,
    secret: password,
    where: databaseOf,
  },
  mysql: {
    label: 'MySQL, MariaDB',
    about: 'SQL databases, and what speaks their protocol',
    icon: Database,
    begin: { kind: 'mysql', host: '', port: 3306, database: '', user: '', tls: 'verify-full' },
    fields: databaseFields,
    secret: password,
    where: databaseOf,
  },
  'sql-server': {
    label: 'SQL Server',
    about: 'Microsoft SQL Server and Azure SQL',
    icon: Database,
    begin: { kind: 'sql-server', host: '', port: 1433, database: '', user: '', tls: 'verify-full' },
    fields: databaseFields,
    secret: password,
    where: databaseOf,
  },
  rest: {
    label: 'REST API',
    about: 'What speaks HTTP and JSON',
    icon: Globe,
    begin: { kind: 'rest', url: '', authentication: { type: 'none' } },
    fields: httpFields,
    secret: httpSecret,
    where: urlOf,
  },
  graphql: {
    label: 'GraphQL',
    about: 'An endpoint for queries and mutations',
    icon: Share2,
    begin: { kind: 'graphql', url: '', authentication: { type: 'none' } },
    fields: httpFields,
    secret: httpSecret,
    where: urlOf,
  },
  grpc: {
    label: 'gRPC',
    about: 'Methods with one answer, or a stream of them',
    icon: Workflow,
    begin: { kind: 'grpc', host: '', port: 443, tls: 'verify-full', schema: { from: 'reflection' }, authentication: { type: 'none' } },
    fields: [
      { ...host, placeholder: 'grpc.example.org' },
      port,
      {
        key: 'schema',
        label: 'Its methods are known',
        type: 'variant',
        tag: 'from',
        options: [
          ['reflection', 'From the server: reflection', { from: 'reflection' }],
          ['descriptors', 'From a file', { from: 'descriptors', set: '' }],
        ],
      },
      {
        key: 'schema.set',
        label: 'Descriptors',
        type: 'file',
        accept: '.pb,.binpb,.protoset,.desc',
        hint: 'protoc --include_imports --descriptor_set_out=api.pb, or buf build -o api.pb: 1 MiB at most.',
        when: isOneOf('schema.from', 'descriptors'),
      },
      {
        key: 'authentication',
        label: 'Authentication',
        type: 'variant',
        tag: 'type',
        options: [
          ['none', 'None', { type: 'none' }],
          ['bearer', 'Bearer token', { type: 'bearer' }],
          ['metadata', 'A key in metadata', { type: 'metadata', name: 'x-api-key' }],
        ],
      },
      { key: 'authentication.name', label: 'Name of the metadata', type: 'text', isRequired: true, when: isOneOf('authentication.type', 'metadata') },
      { key: 'metadata', label: 'Metadata of every call', type: 'pairs', noun: 'name', hint: 'No place for a secret: everybody who may look at the resource reads it.' },
      tls,
      authority,
    ],
    secret: (settings) => ({ bearer: 'Token', metadata: 'Key' })[String((settings['authentication'] as Fields | undefined)?.['type'])],
    where: place,
  },
  redis: {
    label: 'Redis, Valkey',
    about: 'Key-value store: one command at a time',
    icon: Zap,
    begin: { kind: 'redis', host: '', port: 6379, tls: 'verify-full' },
    fields: [host, port, { key: 'user', label: 'User', type: 'text', placeholder: 'the default user' }, { key: 'database', label: 'Database', type: 'number', placeholder: '0' }, tls, authority],
    secret: password,
    where: userAt,
  },
  clickhouse: {
    label: 'ClickHouse',
    about: 'Analytical SQL database, by its HTTP interface',
    icon: ChartColumn,
    begin: { kind: 'clickhouse', host: '', port: 8443, database: 'default', user: 'default', tls: 'verify-full' },
    fields: [host, { ...port, hint: '8443 with TLS, 8123 without.' }, { key: 'database', label: 'Database', type: 'text', isRequired: true }, { key: 'user', label: 'User', type: 'text', isRequired: true }, tls, authority],
    secret: password,
    where: databaseOf,
  },
  mongodb: {
    label: 'MongoDB',
    about: 'Documents: found, aggregated and changed',
    icon: Leaf,
    begin: { kind: 'mongodb', host: '', port: 27017, database: '', user: '', 'auth-database': 'admin', tls: 'verify-full' },
    fields: [
      host,
      port,
      { key: 'members', label: 'Other members of the replica set', type: 'words', noun: 'member', placeholder: 'db2.example.org:27017', hint: 'The primary is asked, whichever it is. Members that are not listed are not connected to.' },
      { key: 'database', label: 'Database', type: 'text', isRequired: true },
      { key: 'user', label: 'User', type: 'text', placeholder: 'no log-in' },
      { key: 'auth-database', label: 'Database that knows the user', type: 'text', isRequired: true, placeholder: 'admin', when: (settings) => Boolean(settings['user']) },
      {
        key: 'mechanism',
        label: 'Log in by',
        type: 'choice',
        options: [
          ['any', 'What the server has: SCRAM'],
          ['scram-sha256', 'SCRAM-SHA-256'],
          ['scram-sha1', 'SCRAM-SHA-1'],
        ],
        when: (settings) => Boolean(settings['user']),
      },
      { key: 'replica-set', label: 'Replica set', type: 'text', placeholder: 'any' },
      tls,
      authority,
    ],
    secret: (settings) => (settings['user'] ? 'Password' : undefined),
    where: (settings) => `${userAt(settings)}/${String(settings['database'] ?? '')}`,
  },
  elasticsearch: {
    label: 'Elasticsearch, OpenSearch',
    about: 'Documents: searched, read and written',
    icon: Search,
    begin: { kind: 'elasticsearch', url: '', 'log-in': { type: 'none' } },
    fields: [
      { ...url, placeholder: 'https://search.example.org:9200' },
      {
        key: 'log-in',
        label: 'Log in',
        type: 'variant',
        tag: 'type',
        options: [
          ['none', 'Nobody in particular', { type: 'none' }],
          ['basic', 'User and password', { type: 'basic', user: '' }],
          ['api-key', 'API key', { type: 'api-key' }],
        ],
      },
      { key: 'log-in.user', label: 'User', type: 'text', isRequired: true, when: isOneOf('log-in.type', 'basic') },
      authority,
    ],
    secret: (settings) => ({ basic: 'Password', 'api-key': 'API key' })[String((settings['log-in'] as Fields | undefined)?.['type'])],
    where: urlOf,
  },
  amqp: {
    label: 'RabbitMQ (AMQP)',
    about: 'Messages published to a broker, with its confirmation',
    icon: Rabbit,
    begin: { kind: 'amqp', host: '', port: 5671, user: '', 'virtual-host': '/', tls: 'verify-full' },
    fields: [host, { ...port, hint: '5671 with TLS, 5672 without.' }, { key: 'user', label: 'User', type: 'text', isRequired: true }, { key: 'virtual-host', label: 'Virtual host', type: 'text', placeholder: '/' }, tls, authority],
    secret: password,
    where: userAt,
  },
  ldap: {
    label: 'LDAP',
    about: 'Directory: OpenLDAP, Active Directory, FreeIPA',
    icon: ContactRound,
    begin: { kind: 'ldap', host: '', port: 636, tls: 'verify-full' },
    fields: [
      host,
      port,
      { key: 'bind-dn', label: 'Bind as', type: 'text', placeholder: 'cn=tools,ou=services,dc=example,dc=org', hint: 'Anonymous when empty.' },
      { key: 'base-dn', label: 'Base', type: 'text', placeholder: 'dc=example,dc=org', hint: 'Where searches begin that name none.' },
      tls,
      { key: 'starttls', label: 'Encryption begins by StartTLS (port 389)', type: 'check', when: isEncrypted },
      authority,
    ],
    secret: (settings) => (settings['bind-dn'] ? 'Password' : undefined),
    where: place,
  },
  nats: {
    label: 'NATS',
    about: 'Messages published, and requests with their answers',
    icon: Send,
    begin: { kind: 'nats', host: '', port: 4222, tls: 'verify-full' },
    fields: [host, port, { key: 'user', label: 'User', type: 'text', hint: 'Without one, the secret is a token.' }, tls, authority],
    secret: (settings) => (settings['user'] ? 'Password' : 'Token'),
    where: userAt,
  },
  s3: {
    label: 'S3',
    about: 'Objects in storage that speaks the protocol of Amazon S3',
    icon: FolderOpen,
    begin: { kind: 's3', url: '', region: 'us-east-1', 'access-key-id': '', addressing: 'path' },
    fields: [
      { ...url, placeholder: 'https://s3.eu-central-1.amazonaws.com', hint: 'The endpoint, without a bucket.' },
      { key: 'region', label: 'Region', type: 'text', placeholder: 'us-east-1' },
      { key: 'access-key-id', label: 'Access key ID', type: 'text', isRequired: true },
      { key: 'bucket', label: 'Bucket', type: 'text', placeholder: 'any', hint: 'The only one that queries may use.' },
      {
        key: 'addressing',
        label: 'A request names its bucket',
        type: 'choice',
        options: [
          ['path', 'In the path: nearly every storage'],
          ['virtual-host', 'In the host: needs a bucket above'],
        ],
      },
      authority,
    ],
    secret: () => 'Secret access key',
    where: (settings) => `${String(settings['url'] ?? '')}${settings['bucket'] ? ` ${String(settings['bucket'])}` : ''}`,
  },
  sqlite: {
    label: 'SQLite',
    about: 'A database in a file on this appliance',
    icon: FileText,
    begin: { kind: 'sqlite', path: '' },
    fields: [{ key: 'path', label: 'File', type: 'text', isRequired: true, placeholder: '/srv/data/sensors.db', hint: 'Below a directory that sqlite-directories in db-connector.toml lists.' }],
    secret: () => undefined,
    where: (settings) => String(settings['path'] ?? ''),
  },
  smtp: {
    label: 'SMTP',
    about: 'Mail server: messages from one address',
    icon: Mail,
    begin: { kind: 'smtp', host: '', port: 587, from: '', tls: 'verify-full', starttls: true },
    fields: [
      host,
      port,
      { key: 'from', label: 'From', type: 'text', isRequired: true, placeholder: 'tools@example.org', hint: 'All messages are from this address.' },
      { key: 'from-name', label: 'Name beside it', type: 'text' },
      { key: 'user', label: 'User', type: 'text', placeholder: 'no log-in' },
      tls,
      { key: 'starttls', label: 'Encryption begins by STARTTLS (port 587)', type: 'check', isOnByDefault: true, when: isEncrypted },
      authority,
    ],
    secret: (settings) => (settings['user'] ? 'Password' : undefined),
    where: (settings) => `${String(settings['from'] ?? '')} by ${place(settings)}`,
  },
}

export const kindNames = Object.keys(resourceKinds) as Kind[]

/** The words for a kind, also for one that this page does not know yet. */
export function kindLabel(kind: string): string {
  return resourceKinds[kind as Kind]?.label ?? kind
}
