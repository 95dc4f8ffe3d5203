/** An app as a file: its draft, the same bytes whenever it says the same. */
import { api, dataOf } from '../../api/client'
import { canonicalText } from '../../document/canonical'
import { saveFile } from '../../ui/save-file'

export async function exportApp(slug: string): Promise<void> {
  const app = await dataOf(api.GET('/api/v1/apps/{slug}', { params: { path: { slug } } }))
  saveFile(`${slug}.app.json`, canonicalText(app.draft), 'application/json')
}
