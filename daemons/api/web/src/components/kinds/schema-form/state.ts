import type { KindState } from '../../../runtime/kinds'
import { problemsOf, schemaOf } from './schema'

export const state: KindState = {
  value: 'json',
  initial: { isValid: true },
  check: (value, read) => {
    const schema = schemaOf(read('schema'))
    const [[path, problem] = []] = schema ? Object.entries(problemsOf(schema, value)) : []
    return path === undefined ? undefined : `${path}: ${problem}`
  },
}
