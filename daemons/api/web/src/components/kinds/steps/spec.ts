import { ListOrdered } from 'lucide-react'
import { type KindSpec, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Steps'),
  icon: ListOrdered,
  baseName: 'steps',
  size: { width: 16, height: 9 },
  properties: [{ key: 'steps', label: 'Steps', input: { kind: 'options' } }, text('default-value', 'Step at first', 'Its value; the first when left out.'), text('submit-label', 'Text of the last button')],
  events: [
    ['change', 'When another step shows'],
    ['submit', 'When the last step is finished'],
  ],
  methods: [
    { name: 'goTo', text: 'Show a step', parameters: [{ name: 'step', label: 'Value of the step' }] },
    { name: 'next', text: 'Go on, as its button does' },
    { name: 'back', text: 'Go back' },
  ],
  exposes: 'value, that of the step that was gone to; data, the values of its inputs by name as they were sent last, or null',
  starts: { steps: [{ value: 'first', label: 'First' }, { value: 'second', label: 'Second' }] },
}
