/** Names that nothing in an app or workflow may have, as the server has them (`daemons/lib/model/src/name.rs`): a test compares the two. */

/** Words that JavaScript or Python keep for themselves, or that Bulkhead binds. */
const reserved = new Set(
  (
    'and arguments as assert async await break case catch class console const continue current_user debugger def default del delete do elif else enum environment eval except export extends false finally for from ' +
    'function global globalThis if implements import in instanceof interface is lambda let log new nonlocal not null or package pass print private protected public query raise return secret static super switch this ' +
    'throw trigger true try typeof undefined var void while with yield False None True'
  ).split(' '),
)

export function isReserved(name: string): boolean {
  return reserved.has(name)
}

/** What is wrong with a text as a name of anything; nothing when it can be one. */
export function nameFault(text: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(text)) return 'Use a letter, then letters, digits or _.'
  return isReserved(text) ? `${text} is a word that JavaScript, Python or Bulkhead has taken: choose another name, such as ${text}1.` : undefined
}
