import type { KindState } from '../../../runtime/kinds'

/** Its place keeps it within its limits. */
export const state: KindState = { value: 'number' }
