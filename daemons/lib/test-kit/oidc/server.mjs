// A provider of OpenID Connect for tests: oidc-provider itself, with a person who agrees to everything and an API behind its tokens.
// Run as: node server.mjs <port> <folder with node_modules> <redirect URI>...
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'

const [port, folder, ...redirectUris] = process.argv.slice(2)
const { Provider } = await import(`${folder}/node_modules/oidc-provider/lib/index.js`)

// What a test sets by POST /test/settings.
const settings = {
  /** Who logs in. */
  person: 'ada',
  /** Claims of each. */
  people: { ada: { email: 'ada@example.org', email_verified: true, name: 'Ada', groups: [] } },
  accessSeconds: 3600,
  givesRefreshTokens: true,
  /** Milliseconds that a token request takes. */
  delay: 0,
}
const counted = { authorization_code: 0, refresh_token: 0, api: 0, discovery: 0, keys: 0 }
const grants = new Set()

const jwk = { format: 'jwk' }
// Made as JWK at once: to export a key object that was just made stops Node 20 for good now and then, when its other half is collected.
const key = (kid, alg, type, options) => ({ ...generateKeyPairSync(type, { ...options, publicKeyEncoding: jwk, privateKeyEncoding: jwk }).privateKey, kid, alg, use: 'sig' })
const stamp = Date.now().toString(36)
const keys = [
  key(`rs-${stamp}`, 'RS256', 'rsa', { modulusLength: 2048 }),
  key(`es-${stamp}`, 'ES256', 'ec', { namedCurve: 'P-256' }),
  key(`ed-${stamp}`, 'EdDSA', 'ed25519'),
]
const client = (client_id, more) => ({
  client_id,
  client_secret: 's3cret-of-the-client',
  redirect_uris: redirectUris,
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  ...more,
})
const algorithms = ['RS256', 'ES256', 'EdDSA', 'HS256']
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    client('bulkhead'),
    client('in-form', { token_endpoint_auth_method: 'client_secret_post' }),
    client('public', { client_secret: undefined, token_endpoint_auth_method: 'none' }),
    client('es256', { id_token_signed_response_alg: 'ES256' }),
    client('eddsa', { id_token_signed_response_alg: 'EdDSA' }),
    client('hs256', { id_token_signed_response_alg: 'HS256' }),
  ],
  jwks: { keys },
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  cookies: { keys: ['a test'] },
  pkce: { required: () => true },
  scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true }, userinfo: { enabled: true } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...settings.people[sub] }) }),
  issueRefreshToken: () => settings.givesRefreshTokens,
  rotateRefreshToken: true,
  ttl: { AccessToken: () => settings.accessSeconds, Interaction: 600, Session: 600, Grant: 3600, IdToken: 600, AuthorizationCode: 60, RefreshToken: 3600 },
})
provider.on('grant.success', (context) => {
  const type = context.oidc.params.grant_type
  if (type in counted) counted[type] += 1
  if (context.oidc.entities.Grant) grants.add(context.oidc.entities.Grant.jti)
})

async function interaction(request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: settings.person } })
  }
  const grant = new provider.Grant({ accountId: settings.person, clientId: params.client_id })
  grant.addOIDCScope(params.scope ?? 'openid')
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

const answer = (response, status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

async function api(request, response) {
  counted.api += 1
  const token = await provider.AccessToken.find((request.headers.authorization ?? '').replace(/^Bearer /, ''))
  if (!token) return answer(response, 401, { error: 'invalid_token' })
  return answer(response, 200, { who: token.accountId, token: token.jti })
}

async function test(request, response, path) {
  if (path === '/test/settings') Object.assign(settings, JSON.parse(await bodyOf(request)))
  if (path === '/test/revoke') {
    for (const id of grants) {
      await provider.AccessToken.revokeByGrantId(id)
      await provider.RefreshToken.revokeByGrantId(id)
      await (await provider.Grant.find(id))?.destroy()
    }
    grants.clear()
  }
  return answer(response, 200, counted)
}

const own = provider.callback()
createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname
  try {
    if (path.startsWith('/interaction/')) return await interaction(request, response)
    if (path.startsWith('/test/')) return await test(request, response, path)
    if (path === '/api/me') return await api(request, response)
    if (path === '/.well-known/openid-configuration') counted.discovery += 1
    if (path === '/jwks') counted.keys += 1
    if (path === '/token' && settings.delay > 0) await new Promise((resolve) => setTimeout(resolve, settings.delay))
    return own(request, response)
  } catch (error) {
    console.error(error)
    return answer(response, 500, { error: String(error) })
  }
}).listen(Number(port), '127.0.0.1')
