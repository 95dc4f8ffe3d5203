import { AppWindowMac } from 'lucide-react'
import { type KindSpec, flag, flagOn, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Frame'),
  icon: AppWindowMac,
  baseName: 'frame',
  size: { width: 12, height: 9 },
  properties: [
    text('src', 'Address', 'Of an origin that the administrator listed.'),
    text('title', 'Title', 'For those who cannot see it.'),
    flagOn('scripts', 'Its scripts run'),
    flagOn('forms', 'Its forms are sent'),
    flag('popups', 'It opens windows'),
  ],
  events: [],
  exposes: 'nothing',
  starts: {},
}
