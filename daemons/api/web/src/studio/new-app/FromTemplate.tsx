/** An app from a template: which one, and which resource has the tables of the demo. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { templateDocument, templates } from '../../templates/templates'
import { SelectField } from '../../ui/Field'
import { useSchemaQuery } from '../../ui/schema'
import { resourcesQuery } from '../lists'
import { type StartProps, createApp } from './NewApp'
import { NamingDialog, NamingFields, useNaming } from './naming'

export function FromTemplate({ onCreated, onBack, onClose }: StartProps) {
  const resources = useQuery(resourcesQuery)
  const usable = (resources.data ?? []).filter(({ config, role }) => config?.kind === 'postgresql' && role !== 'viewer')
  const [chosen, setChosen] = useState<string>()
  const resource = usable.find(({ name }) => name === chosen) ?? usable.find(({ name }) => name === 'tables') ?? usable[0]
  const schema = useSchemaQuery(resource?.name ?? '')
  const [name, setName] = useState<string>()
  const template = templates.find((one) => one.name === name)
  const naming = useNaming(
    async (wanted) => createApp(wanted, await templateDocument(template?.name ?? '', resource?.name ?? '')),
    onCreated,
    template?.title ?? '',
  )
  const lacksTables = schema.data && !schema.data.tables.some((table) => table.name === 'support_tickets')
  return (
    <NamingDialog title="New app from a template" naming={naming} isReady={template !== undefined && resource !== undefined} onBack={onBack} error={resources.error} onClose={onClose}>
      <ul className="kind-grid">
        {templates.map((one) => (
          <li key={one.name}>
            <button type="button" className="kind-card" aria-pressed={one.name === name} onClick={() => setName(one.name)}>
              <span>
                <strong>{one.title}</strong>
                <span className="muted">{one.about}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {resource ? <SelectField label="Resource with the demo's tables" value={resource.name} options={usable.map((one) => [one.name, one.name] as const)} onChange={({ target }) => setChosen(target.value)} /> : null}
      {resources.data && !resource ? <p className="notice amber">The templates need a PostgreSQL database on which you have the role editor.</p> : null}
      {lacksTables ? <p className="notice amber">This database has no demo tables. The app can be made; its queries say so until they are there (bulkheadctl setup --demo), or until you point them at your own.</p> : null}
      {template ? <NamingFields naming={naming} /> : null}
    </NamingDialog>
  )
}
