import type { KindState } from '../../../runtime/kinds'

/** Its value is what is shown, nothing that somebody fills in. */
export const state: KindState = { value: 'choice', isView: true, methods: ['goTo'] }
