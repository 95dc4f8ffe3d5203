/** Which operation of a GraphQL document runs: as much of its grammar as tells, and the same as the server reads of it. */

export type GraphqlOperation = 'query' | 'mutation' | 'subscription'

const tokenPattern = /#[^\n\r]*|"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n\r])*"|[A-Za-z_]\w*|[^\s,]/g
const closing: Record<string, string> = { '{': '}', '(': ')', '[': ']' }

/** What the operation of this name does, the only one where no name is given; nothing when the document has no such operation. */
export function graphqlOperation(document: string, wanted = ''): GraphqlOperation | undefined {
  const operations = operationsOf(document)
  if (!operations) return undefined
  if (wanted === '') return operations.length === 1 ? operations[0]?.kind : undefined
  return operations.find(({ name }) => name === wanted)?.kind
}

function operationsOf(document: string): { kind: GraphqlOperation; name: string | undefined }[] | undefined {
  const tokens = (document.match(tokenPattern) ?? []).filter((token) => !token.startsWith('#'))
  const found: { kind: GraphqlOperation; name: string | undefined }[] = []
  let at = 0
  while (at < tokens.length) {
    const first = tokens[at] ?? ''
    const second = tokens[at + 1] ?? ''
    if (first === '{') found.push({ kind: 'query', name: undefined })
    else if (first === 'query' || first === 'mutation' || first === 'subscription') found.push({ kind: first, name: /^[A-Za-z_]/.test(second) ? second : undefined })
    else if (first !== 'fragment') return undefined
    const end = endOfDefinition(tokens, at)
    if (end === undefined) return undefined
    at = end
  }
  return found
}

/** Where the selection has ended that ends a definition. */
function endOfDefinition(tokens: string[], from: number): number | undefined {
  const open: string[] = []
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at] ?? ''
    if (token in closing) open.push(token)
    else if (token === '}' || token === ')' || token === ']') {
      const opened = open.pop()
      if (opened === undefined || closing[opened] !== token) return undefined
      if (opened === '{' && open.length === 0) return at + 1
    }
  }
  return undefined
}
