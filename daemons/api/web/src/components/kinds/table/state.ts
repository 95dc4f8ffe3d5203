import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { selectedRow: null, selectedIndex: -1 } }
