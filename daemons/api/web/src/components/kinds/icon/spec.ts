import { Sparkles } from 'lucide-react'
import { type KindSpec, choice, flag, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Icon'),
  icon: Sparkles,
  baseName: 'icon',
  size: { width: 2, height: 1 },
  properties: [
    text('icon', 'Icon', 'Such as check, truck, alarm-clock.'),
    text('size', 'Size'),
    choice('tone', 'Colour', [
      ['neutral', 'Neutral'],
      ['info', 'Information'],
      ['success', 'Success'],
      ['warning', 'Warning'],
      ['danger', 'Danger'],
    ]),
    text('label', 'Meaning', 'For those who cannot see it. Without one it decorates.'),
    flag('clickable', 'Can be pressed'),
  ],
  events: [['click', 'When it is pressed']],
  exposes: 'nothing',
  starts: { icon: 'check' },
}
