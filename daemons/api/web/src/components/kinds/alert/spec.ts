import { Info } from 'lucide-react'
import { type KindSpec, choice, longText, text } from '../../spec'
import { toneOptions } from '../../tone'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Alert'),
  icon: Info,
  baseName: 'alert',
  size: { width: 12, height: 2 },
  properties: [text('title', 'Title'), longText('text', 'Text'), choice('tone', 'Tone', toneOptions)],
  events: [],
  exposes: 'nothing',
  starts: { title: 'Title', text: 'Text', tone: 'info' },
}
