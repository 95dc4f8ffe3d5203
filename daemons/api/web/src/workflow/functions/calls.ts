/** How functions are called from code. */
import type { Block, Language, WorkflowDocument, WorkflowFunction } from '../../api/types'

/** A call as it is written in the language of the function; a query is shown in JavaScript. */
export function callOf(name: string, one: WorkflowFunction): string {
  const parameters = one.parameters ?? []
  if (one.type === 'code' && one.language === 'python') return `functions.${name}(${parameters.map((parameter) => `${parameter}=…`).join(', ')})`
  return `await functions.${name}(${parameters.length > 0 ? `{ ${parameters.join(', ')} }` : ''})`
}

/** A name that no block has, for the block that tries out a function. */
export function trialName(document: WorkflowDocument): string {
  let name = 'trial'
  for (let number = 2; name in document.blocks; number += 1) name = `trial${number}`
  return name
}

/** The block that calls a function with what it is given. */
export function trialOf(name: string, one: WorkflowFunction): Block {
  const isPython = one.type === 'code' && one.language === 'python'
  const source = isPython ? `import inspect\nvalue = functions.${name}(**inputs)\nreturn await value if inspect.isawaitable(value) else value\n` : `return functions.${name}(inputs)\n`
  return { type: 'code', language: isPython ? 'python' : 'javascript', source }
}

/** What code of a language may write after `functions.`. */
export function completionsOf(document: WorkflowDocument, language: Language): string[] {
  const isKnown = (one: WorkflowFunction) => one.type === 'query' || one.language === language
  return Object.entries(document.functions ?? {}).flatMap(([name, one]) => (isKnown(one) ? [name] : []))
}
