import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { methods: ['raise'] }
