import type { KindState } from '../../../runtime/kinds'
import { lengthProblem } from '../../text-length'

export const state: KindState = { value: 'text', check: lengthProblem }
