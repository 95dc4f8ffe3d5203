/** Which queries a page needs: no other runs by itself when it opens. */
import type { RuntimeDocument } from './model'

/** The queries and scripts that the page reads or runs, directly or by way of others. */
export function neededOn(document: RuntimeDocument, pageName: string): Set<string> {
  const { queries, transformers = {}, state = {} } = document
  const page = document.pages[pageName]
  const needed = new Set<string>()
  const pending = [wordsOf([page?.components, page?.events, page?.state, state])]
  const need = (name: string, read: unknown) => {
    if (needed.has(name)) return
    needed.add(name)
    pending.push(wordsOf(read))
  }
  // What follows a query may be meant for every page: such a query always runs.
  for (const [name, query] of Object.entries(queries)) {
    const leadsOn = query['on-success']?.length || query['on-failure']?.length || query.refresh?.length || query.code !== undefined
    if (leadsOn && query.run !== 'manual') need(name, query)
  }
  for (let words = pending.pop(); words !== undefined; words = pending.pop()) {
    for (const word of words) {
      if (Object.hasOwn(queries, word)) need(word, queries[word])
      else if (Object.hasOwn(transformers, word)) need(word, transformers[word])
    }
  }
  return needed
}

/** Everything in it that could be a name. A word in a text that is no code costs at most a request; one that is missed would cost the page. */
function wordsOf(value: unknown): Set<string> {
  return new Set((JSON.stringify(value) ?? '').match(/[A-Za-z_$][\w$]*/g))
}
