/** How a filter compares. */
export const operators = ['contains', 'is', 'is-not', 'from', 'to', 'empty', 'filled'] as const
export type Operator = (typeof operators)[number]
