/** The release of a module that is in use. */
import { api, dataOf } from '../../api/client'
import type { ModuleRelease } from '../../document/modules'

export async function moduleRelease(module: string): Promise<ModuleRelease> {
  const { version, document } = await dataOf(api.GET('/api/v1/apps/{slug}/module', { params: { path: { slug: module } } }))
  return { module, version, document }
}
