/** The draft's way to the server. */
import { api, dataOf } from '../../api/client'
import { isPassing, isProblem } from '../../api/problem'
import type { AppDocument } from '../../api/types'

/** Sends a draft over a revision; the new revision. It knows its own save again whose answer was lost: nobody else has changed the draft then. */
export function draftSender(slug: string): (revision: number, document: AppDocument) => Promise<number> {
  const path = { slug }
  let unanswered: AppDocument | undefined
  const put = async (revision: number, document: AppDocument) => (await dataOf(api.PUT('/api/v1/apps/{slug}/draft', { params: { path }, body: { revision, document } }))).revision
  return async (revision, document) => {
    try {
      const saved = await put(revision, document)
      unanswered = undefined
      return saved
    } catch (problem) {
      if (isPassing(problem)) unanswered = document
      if (!unanswered || !isProblem(problem, 'draft-changed')) throw problem
      const [{ canonicalText }, now] = await Promise.all([import('../../document/canonical'), dataOf(api.GET('/api/v1/apps/{slug}', { params: { path } }))])
      if (canonicalText(now.draft) !== canonicalText(unanswered)) throw problem
      return put(now.draft_revision, document)
    }
  }
}
