import { FormInput } from 'lucide-react'
import { type KindSpec, changes, inputProperties, label, longText } from '../../spec'
import { message } from '../../../messages/messages'

export const spec: KindSpec = {
  group: 'Inputs',
  text: message('Schema form'),
  icon: FormInput,
  baseName: 'schemaForm',
  size: { width: 12, height: 12 },
  properties: [
    label,
    longText('schema', 'JSON schema', 'An object of properties: {{ query1.data.schema }}.'),
    longText('default-value', 'Default value'),
    ...inputProperties,
  ],
  events: changes,
  exposes: 'value, an object; isValid',
  starts: { label: 'Details', schema: '{"type": "object", "properties": {"name": {"type": "string", "title": "Name"}, "amount": {"type": "integer", "minimum": 1}}, "required": ["name"]}' },
}
