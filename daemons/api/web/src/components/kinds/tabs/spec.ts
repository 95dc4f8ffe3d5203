import { PanelTop } from 'lucide-react'
import { type KindSpec, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Containers',
  text: message('Tabs'),
  icon: PanelTop,
  baseName: 'tabs',
  size: { width: 16, height: 9 },
  properties: [{ key: 'tabs', label: 'Tabs', input: { kind: 'options' } }, text('default-value', 'Tab at first', 'Its value; the first when left out.')],
  events: [['change', 'When another tab is chosen']],
  methods: [{ name: 'goTo', text: 'Show a tab', parameters: [{ name: 'tab', label: 'Value of the tab' }] }],
  exposes: 'value, that of the tab that was chosen',
  starts: { tabs: [{ value: 'first', label: 'First' }, { value: 'second', label: 'Second' }] },
}
