import type { Methods } from '../../../runtime/methods'
import { chosenOption } from '../../choice/options'

export const methods: Methods = { goTo: { parameters: ['tab'], run: ({ read, set }, tab) => set({ value: chosenOption(read('tabs'), tab, 'tab') }) } }
