import type { KindState } from '../../../runtime/kinds'

/** What was chosen is no value that is filled in. */
export const state: KindState = { initial: { selected: null, value: null }, methods: ['expandAll', 'collapseAll'] }
