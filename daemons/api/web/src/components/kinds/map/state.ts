import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { selected: null }, methods: ['centerOn', 'fit'] }
