/** Changes of where components stand on a narrow screen. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { AppDocument, GridRect } from '../api/types'
import { phoneLayoutOf } from '../runtime/phone-layout'
import { place } from './layout'

export function movePhoneComponents(document: Draft<AppDocument>, page: string, rects: Record<string, GridRect>): void {
  const found = document.pages[page]
  // What was stacked by itself stays where it is seen, so that moving one component moves no other.
  if (found) found['phone-layout'] = place(phoneLayoutOf(found), rects)
}

export function resetPhoneLayout(document: Draft<AppDocument>, page: string): void {
  delete document.pages[page]?.['phone-layout']
}
