// @ts-check
/** What the api might answer the studio: a bit of everything that its lists can hold. */

/** @typedef {import('../src/api/generated').paths} Paths */
/** @typedef {{ [Place in keyof Paths]?: Paths[Place] extends { get: { responses: { 200: { content: { 'application/json': infer Content } } } } } ? Content : never }} Answers */

const id = (/** @type {number} */ number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const ago = (/** @type {number} */ minutes) => new Date(Date.now() - minutes * 60_000).toISOString()
const production = /** @type {const} */ ({ name: 'production', color: 'red', is_default: true })
const staging = /** @type {const} */ ({ name: 'staging', color: 'blue', is_default: false })

/** @type {Answers} */
export const everything = {
  '/api/v1/session': { user: { id: id(1), email: 'ada@example.org', name: 'Ada Novak', is_admin: true, groups: ['finance'] }, version: '0.1.0' },
  '/api/v1/apps': {
    apps: [
      { id: id(10), slug: 'orders', title: 'Orders', role: 'admin', released_version: 12, updated_at: ago(3), folder: 'Sales', is_favourite: true, is_module: false, is_protected: false, tags: ['daily', 'team north'] },
      { id: id(11), slug: 'refunds-and-other-things-with-a-long-name', title: 'Refunds, returned parcels and everything else that a customer sends back', role: 'editor', released_version: null, updated_at: ago(200), folder: '', is_favourite: false, is_module: false, is_protected: false, tags: [] },
      { id: id(12), slug: 'depots', title: 'Depots', role: 'viewer', released_version: 1, updated_at: ago(90_000), folder: 'Logistics', is_favourite: false, is_module: false, is_protected: false, tags: ['map'] },
    ],
  },
  '/api/v1/workflows': {
    workflows: [
      { id: id(20), slug: 'nightly-sync', title: 'Nightly sync', role: 'admin', released_version: 4, updated_at: ago(30), folder: 'Sales' },
      { id: id(21), slug: 'approve-refunds', title: 'Approve refunds', role: 'viewer', released_version: null, updated_at: ago(4000), folder: '' },
    ],
  },
  '/api/v1/resources': {
    resources: [
      { id: id(30), name: 'tables', kind: 'postgresql', built_in: true, environments: ['production'], has_secret: false, role: 'admin', updated_at: ago(9000), folder: '' },
      { id: id(31), name: 'shop', kind: 'postgresql', built_in: false, environments: ['production', 'staging'], has_secret: true, role: 'admin', updated_at: ago(50), config: { kind: 'postgresql', host: 'db.example.org', port: 5432, database: 'shop', user: 'reader', tls: 'verify-full' } },
    ],
  },
  '/api/v1/queries': {
    queries: [
      { id: id(40), slug: 'open-orders', title: 'Open orders', description: 'What is not paid, by customer.', mode: 'read', parameters: { city: { description: 'Where', is_required: false } }, resource: 'shop', role: 'admin', released_version: 2, updated_at: ago(60), folder: 'Sales/Reports of the northern depots' },
      { id: id(41), slug: 'close-order', title: 'Close an order', description: '', mode: 'write', parameters: {}, resource: 'shop', role: 'viewer', released_version: null, updated_at: ago(600), folder: '' },
    ],
  },
  '/api/v1/runs': {
    next: null,
    runs: [
      { id: id(50), workflow: 'nightly-sync', workflow_title: 'Nightly sync', environment: production, status: 'succeeded', trigger_kind: 'schedule', version: 4, created_at: ago(5), started_at: ago(5), finished_at: ago(4) },
      { id: id(51), workflow: 'nightly-sync', workflow_title: 'Nightly sync', environment: production, status: 'failed', trigger_kind: 'webhook', version: 4, created_at: ago(65), started_at: ago(65), finished_at: ago(64), error: { block: 'write', kind: 'query', message: 'duplicate key value violates unique constraint "orders_pkey"' } },
      { id: id(52), workflow: 'approve-refunds', workflow_title: 'Approve refunds', environment: staging, status: 'waiting', trigger_kind: 'manual', version: 1, created_at: ago(2), started_at: ago(2), finished_at: null },
      { id: id(53), workflow: 'nightly-sync', workflow_title: 'Nightly sync', environment: production, status: 'running', trigger_kind: 'manual', version: 4, created_at: ago(1), started_at: ago(1), finished_at: null },
      { id: id(54), workflow: 'nightly-sync', workflow_title: 'Nightly sync', environment: production, status: 'queued', trigger_kind: 'manual', version: 4, created_at: ago(0), started_at: null, finished_at: null },
      { id: id(55), workflow: 'nightly-sync', workflow_title: 'Nightly sync', environment: production, status: 'cancelled', trigger_kind: 'manual', version: 3, created_at: ago(9000), started_at: ago(9000), finished_at: ago(8999) },
    ],
  },
  '/api/v1/queue': { queued: 1, running: 1, waiting: 1, held: 0, paused_at: null, paused_by: null, oldest: ago(1) },
  '/api/v1/approvals': {
    approvals: [
      { id: id(60), run: id(52), block: 'ask', workflow: 'approve-refunds', workflow_title: 'Approve refunds', title: 'Refund €120 to Porto Azul?', description: 'Order 4711 came back damaged.', created_at: ago(2), deadline: ago(-300), escalate_to: [], form: [{ name: 'amount', type: 'number', label: 'Amount', required: true }, { name: 'note', type: 'text', label: 'Note' }] },
    ],
  },
  '/api/v1/library-sets': {
    sets: [
      { name: 'frames', language: 'python', status: 'ready', usable: true, bytes: 91_000_000, packages: [{ name: 'pandas', version: '2.2.3' }, { name: 'numpy', version: '2.1.0' }], updated_at: ago(5000), updated_by: 'Ada Novak', finished_at: ago(4990) },
      { name: 'parse', language: 'javascript', status: 'failed', usable: false, bytes: null, packages: [], updated_at: ago(50), updated_by: null, finished_at: ago(49) },
    ],
  },
  '/api/v1/secrets': { secrets: [{ id: id(70), name: 'payment-key', updated_at: ago(80), updated_by: 'Ada Novak', workflows: [{ slug: 'nightly-sync', title: 'Nightly sync' }] }] },
  '/api/v1/users': {
    users: [
      { id: id(1), name: 'Ada Novak', email: 'ada@example.org', is_admin: true, disabled: false, invited: false, second_factor: true, created_at: ago(90_000) },
      { id: id(2), name: 'Ben Okafor', email: 'ben.okafor.of.the.northern.depots@example.org', is_admin: false, disabled: false, invited: true, second_factor: false, created_at: ago(900) },
      { id: id(3), name: 'Cleo Dubois', email: 'cleo@example.org', is_admin: false, disabled: true, invited: false, second_factor: false, created_at: ago(50_000) },
    ],
  },
  '/api/v1/folders': {
    folders: [
      { id: id(100), path: 'Logistics', role: 'viewer', apps: 1, workflows: 0, resources: 0, queries: 0 },
      { id: id(101), path: 'Sales', role: 'admin', apps: 1, workflows: 1, resources: 2, queries: 0 },
      { id: id(102), parent: id(101), path: 'Sales/Reports of the northern depots', role: 'admin', apps: 0, workflows: 0, resources: 0, queries: 1 },
      { id: id(103), parent: id(101), path: 'Sales/Empty', role: 'editor', apps: 0, workflows: 0, resources: 0, queries: 0 },
    ],
  },
  '/api/v1/groups': { groups: [{ name: 'finance', description: 'Who pays', members: 2, created_at: ago(5000) }, { name: 'support', description: '', members: 0, created_at: ago(50) }] },
  '/api/v1/environments': {
    environments: [
      { ...production, access: 'everyone', groups: [] },
      { ...staging, access: 'groups', groups: ['finance'] },
    ],
  },
  '/api/v1/audit': {
    next: null,
    sealed: { record: 1, at: ago(3), seal: { number: 1, hash: 'a5'.repeat(32) } },
    records: [
      { id: 2, at: ago(4), actor: 'Ada Novak', action: 'app.release', object_kind: 'app', object_id: id(10), address: '192.0.2.7', detail: { version: 12 } },
      { id: 1, at: ago(40), actor: 'Ben Okafor', action: 'session.login-failed', object_kind: null, object_id: null, address: '192.0.2.8', detail: { email: 'ben@example.org' } },
    ],
  },
  '/api/v1/ssh-hosts': {
    ssh_hosts: [{ id: id(80), name: 'bastion', authentication: 'key', fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrAqhM7n6pbEsL5mVDHk1oVg', config: { host: 'bastion.example.org', port: 22, user: 'tunnel', 'host-key': 'ssh-ed25519 AAAA' }, resources: ['shop'], ssh_hosts: [], updated_at: ago(400) }],
  },
  '/api/v1/source-control': {
    repository: { config: { url: 'ssh://git@git.example.org/team/apps.git', branch: 'main', 'host-key': 'ssh-ed25519 AAAA' }, fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BrAqhM7n6pbEsL5mVDHk1oVg', head: '4f2a9c81d07be3561a9c4f2a9c81d07be3561a9c', fetched_at: ago(3) },
    changes: [
      { key: 'apps/orders', title: 'Orders', standing: 'conflict' },
      { key: 'apps/refunds-and-other-things-with-a-long-name', title: 'Refunds, returned parcels and everything else that a customer sends back', standing: 'changed-here' },
      { key: 'library/customer', title: 'Customer', standing: 'only-there', fault: 'query.yaml: line 3: put `yes` in double quotes' },
      { key: 'workflows/nightly-sync', title: 'Nightly sync', standing: 'deleted-there' },
    ],
    unchanged: 12,
    jobs: [
      { id: id(101), kind: 'pull', status: 'failed', progress: '', requested_by: 'Ada Novak', requested_at: ago(3), finished_at: ago(3), error_code: 'conflicts', error: 'one document was changed here and in the repository: choose for each, nothing was applied', result: { conflicts: ['apps/orders'] } },
      { id: id(100), kind: 'commit', status: 'done', progress: '', requested_by: 'Ada Novak', requested_at: ago(90), finished_at: ago(90), result: { commit: '4f2a9c81d07be3561a9c4f2a9c81d07be3561a9c', branch: 'main', documents: ['apps/orders'] } },
    ],
  },
  '/api/v1/account/sign-ins': { accounts: [{ issuer: 'https://id.example.org', subject: '7', email: 'ada@id.example.org', added_at: ago(9000), used_at: ago(10) }] },
  '/api/v1/account/second-factor': { has_password: true, recovery_codes: 9, required: true, since: ago(3000) },
  '/api/v1/account/sessions': {
    sessions: [
      { id: id(90), user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', address: '192.0.2.7', created_at: ago(400), last_seen_at: ago(1), is_current: true },
      { id: id(91), user_agent: null, address: '2001:db8::7', created_at: ago(9000), last_seen_at: ago(800), is_current: false },
    ],
  },
  '/api/v1/account/tokens': { tokens: [{ id: id(95), user: id(1), email: 'ada@example.org', name: 'nightly report', scope: 'read', created_at: ago(9000), expires_at: new Date(Date.now() + 80 * 86_400_000).toISOString(), last_used_at: ago(70) }] },
  '/api/v1/sign-in': { passwords: true, providers: [{ name: 'company', label: 'Company account' }] },
  '/api/v1/sign-in/settings': { passwords_for_all: true, second_factor_required_for: 'administrators', redirect_uri: 'https://tools.example.org/sign-in/callback', providers: [{ name: 'company', updated_at: ago(800), config: { issuer: 'https://id.example.org', 'client-id': 'bulkhead', label: 'Company account' } }] },
}

/** The same lists with nothing in them. */
export const nothing = /** @type {Answers} */ (
  Object.fromEntries(Object.entries(everything).map(([place, answer]) => [place, place.endsWith('/session') || place.endsWith('/queue') ? answer : Object.fromEntries(Object.entries(answer ?? {}).map(([key, value]) => [key, Array.isArray(value) ? [] : value]))]))
)
