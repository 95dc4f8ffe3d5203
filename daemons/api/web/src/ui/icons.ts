/** The icons in use, from one place, so that the set stays small. */
import type { LucideIcon } from 'lucide-react'

export type IconType = LucideIcon
