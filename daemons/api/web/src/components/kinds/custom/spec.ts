import { Blocks } from 'lucide-react'
import { type KindSpec, longText, text } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Display',
  text: message('Custom component'),
  icon: Blocks,
  baseName: 'custom',
  size: { width: 10, height: 8 },
  properties: [
    { key: 'script', label: 'Script', hint: 'A bundle of its own: what window.bulkhead has is in the docs.', input: { kind: 'code', language: 'javascript' } },
    { key: 'style', label: 'Style', input: { kind: 'code', language: 'css' } },
    longText('data', 'Properties', 'An object that the script gets: {{ ({ rows: query1.rows }) }}.'),
    text('label', 'Name', 'For those who cannot see it.'),
  ],
  events: [['first', 'When it sends first'], ['second', 'When it sends second'], ['third', 'When it sends third']],
  exposes: 'state, the object that the script set last, or null',
  starts: { script: 'const root = document.querySelector(\'#root\')\n\nbulkhead.onData((data) => {\n  root.textContent = `Hello ${data.name ?? \'world\'}`\n})\n', data: '{{ ({ name: current_user.name }) }}' },
}
