import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { state: null }, raw: ['script', 'style'] }
