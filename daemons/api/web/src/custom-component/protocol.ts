/** What the page and a custom component's frame say to each other, over a MessagePort. */

export type Theme = 'light' | 'dark'

/** The first message, which brings the port. */
export interface Start {
  script: string
  style: string
}

export type ToFrame = { data: unknown } | { theme: Theme; tokens: Record<string, string> }

export type FromFrame = { ready: true } | { state: unknown } | { trigger: string } | { error: string }

/** The colours that a component's style sheet can use. */
export const tokens = ['--text', '--text-muted', '--surface', '--surface-raised', '--border', '--border-strong', '--accent-3', '--accent-9', '--accent-11', '--on-accent', '--green-bg', '--green-text', '--amber-bg', '--amber-text', '--red-bg', '--red-text', '--radius', '--sans', '--mono'] as const
