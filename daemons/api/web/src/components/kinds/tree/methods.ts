import type { Methods } from '../../../runtime/methods'

export const methods: Methods = {
  expandAll: { parameters: [], run: ({ tell }) => tell('show', true) },
  collapseAll: { parameters: [], run: ({ tell }) => tell('show', false) },
}
