import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { values: [], item: null, index: -1 }, methods: ['showMore', 'scrollTo'] }
