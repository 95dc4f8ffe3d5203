import type { Methods } from '../../../runtime/methods'

export const methods: Methods = { submit: { parameters: [], run: ({ submit }) => submit() } }
