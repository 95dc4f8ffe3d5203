/** Changes of where components stand on a narrow screen. Each takes an immer draft. */
import type { Draft } from 'immer'
import type { AppDocument, GridRect } from '../api/types'
import { onSameGrid } from '../runtime/nesting'
import { phoneLayoutOf } from '../runtime/phone-layout'
import { place } from './layout'

export function movePhoneComponents(document: Draft<AppDocument>, page: string, rects: Record<string, GridRect>): void {
  const found = document.pages[page]
  if (!found) return
  // What was stacked by itself stays where it is seen, so that moving one component moves no other.
  found['phone-layout'] = place(phoneLayoutOf(found), rects)
  dropStrayPlaces(document, page)
}

/** Leaves out the places of components that stand on another grid on a wide screen: one holds them on both, and the server refuses else. */
export function dropStrayPlaces(document: Draft<AppDocument>, page: string): void {
  const { layout = {}, 'phone-layout': phone = {} } = document.pages[page] ?? {}
  for (const [name, rect] of Object.entries(phone)) {
    const wide = layout[name]
    if (wide && !onSameGrid(wide, rect)) delete phone[name]
  }
}

export function resetPhoneLayout(document: Draft<AppDocument>, page: string): void {
  delete document.pages[page]?.['phone-layout']
}
