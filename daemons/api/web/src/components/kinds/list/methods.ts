import type { Methods } from '../../../runtime/methods'

export const methods: Methods = {
  showMore: { parameters: [], run: ({ tell }) => tell('showMore') },
  scrollTo: { parameters: ['index'], run: ({ tell }, index) => tell('scrollTo', index) },
}
