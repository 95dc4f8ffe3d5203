import type { KindState } from '../../../runtime/kinds'
import { begun, problemsOf, schemaOf } from './schema'

export const state: KindState = {
  value: 'json',
  initial: { isValid: true },
  // What the fields show is what is sent, also when nobody touched them.
  begun: (value, read) => {
    const schema = schemaOf(read('schema'))
    return schema ? begun(schema, value) : value
  },
  check: (value, read) => {
    const schema = schemaOf(read('schema'))
    const [[path, problem] = []] = schema ? Object.entries(problemsOf(schema, value)) : []
    return path === undefined ? undefined : `${path}: ${problem}`
  },
}
