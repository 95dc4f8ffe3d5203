import { Package } from 'lucide-react'
import type { KindSpec } from '../../spec'
import { message } from '../../../messages/messages'

/** Its properties and events are those of the module that it is: the builder reads them from the app. */
export const spec: KindSpec = {
  group: 'Containers',
  text: message('Module'),
  icon: Package,
  baseName: 'module',
  size: { width: 12, height: 6 },
  isClosed: true,
  properties: [],
  events: [],
  methods: [
    {
      name: 'raise',
      text: 'Raise an event',
      parameters: [
        { name: 'event', label: 'Event' },
        { name: 'detail', label: 'Detail', hint: 'An object, which handlers read as event.' },
      ],
    },
  ],
  exposes: 'its inputs and outputs, by their names',
  starts: {},
}
