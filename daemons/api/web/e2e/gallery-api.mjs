// @ts-check
/** Answers for the UI's requests where no server is, typed as the api's are, with a count of what was asked for. */

/** @typedef {import('../src/api/types').Session} Session */
/** @typedef {import('../src/api/types').ReleasedApp} ReleasedApp */
/** @typedef {import('../src/api/types').ViewerDocument} ViewerDocument */
/** @typedef {import('playwright-core').Page} Page */

/** @type {Session} */
export const session = { user: { id: '01890000-0000-7000-8000-000000000001', email: 'ada@example.org', name: 'Ada Novak', is_admin: true, groups: [] }, version: '0.1.0' }

/**
 * Answers requests to the api by what `answers` has for `GET /path`, a problem or content; what it lacks is not found.
 *
 * @param {Page} page
 * @param {Record<string, unknown | ((body: unknown) => unknown)>} answers
 */
export async function answer(page, answers) {
  const asked = /** @type {string[]} */ ([])
  await page.unroute('**/api/v1/**')
  await page.route('**/api/v1/**', async (route) => {
    const request = route.request()
    const name = `${request.method()} ${new URL(request.url()).pathname.replace('/api/v1', '')}`
    asked.push(name)
    if (!(name in answers)) return route.fulfill({ status: 404, contentType: 'application/problem+json', json: { code: 'not-found', detail: 'There is nothing here.' } })
    const given = answers[name]
    const found = /** @type {any} */ (await (typeof given === 'function' ? given(request.postDataJSON()) : given))
    const isRefusal = 'code' in found
    return route.fulfill({ status: isRefusal ? found.status : 200, contentType: isRefusal ? 'application/problem+json' : 'application/json', json: found })
  })
  return { asked }
}

/** @param {Partial<ViewerDocument>} document @returns {ReleasedApp} */
export function released(document) {
  return {
    id: '01890000-0000-7000-8000-000000000002',
    slug: 'many',
    title: 'Many',
    version: 1,
    role: 'viewer',
    environments: [],
    document: { format: 1, title: 'Many', 'home-page': 'home', pages: {}, queries: {}, scripts: {}, state: {}, transformers: {}, ...document },
  }
}
