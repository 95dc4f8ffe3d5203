import type { KindState } from '../../../runtime/kinds'

export const state: KindState = { initial: { isOpen: false }, isOverlay: true }
