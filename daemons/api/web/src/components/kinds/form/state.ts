import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { data: null }, methods: ['submit'] }
