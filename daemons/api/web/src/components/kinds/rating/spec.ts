import { Star } from 'lucide-react'
import { type KindSpec, changes, defaultValue, inputProperties, label, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Rating'),
  icon: Star,
  baseName: 'rating',
  size: { width: 6, height: 2 },
  properties: [label, defaultValue, text('max', 'Stars', '5 when left out, at most 10.'), ...inputProperties],
  events: changes,
  exposes: 'value, a number of stars or null',
  starts: { label: 'Rating' },
}
