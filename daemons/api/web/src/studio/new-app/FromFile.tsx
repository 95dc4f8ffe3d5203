/** An app from a file: what is in it, which resources its queries shall use, and, of an app of Appsmith, what became of each part. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AppDocument, ImportNote } from '../../api/types'
import { onResources, readAppFile, resourcesOf } from '../../document/app-file'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SelectField } from '../../ui/Field'
import { FileDrop } from '../../ui/FileDrop'
import { ErrorNotice } from '../../ui/states'
import { ImportReport } from '../../workflow/imports/ImportReport'
import { resourcesQuery } from '../lists'
import { type StartProps, createApp } from './NewApp'
import { NamingDialog, NamingFields, useNaming } from './naming'

const appsmith = { from: 'Appsmith', whole: 'The whole app' }

interface Read {
  document: AppDocument
  report?: ImportNote[]
}

async function readFile(text: string): Promise<Read> {
  const file = readAppFile(text)
  if (file.kind === 'own') return { document: file.document }
  const { importAppsmith } = await import('../../appsmith/import')
  return importAppsmith(file.value)
}

export function FromFile(props: StartProps) {
  const [read, setRead] = useState<Read>()
  const [error, setError] = useState<unknown>()
  const take = (text: string) => {
    setError(undefined)
    readFile(text).then(setRead, setError)
  }
  if (read) return <Review {...props} read={read} onBack={() => setRead(undefined)} />
  return (
    <Dialog title="New app from a file" isWide onClose={props.onClose} footer={<Button onClick={props.onBack}>Back</Button>}>
      <ErrorNotice error={error} />
      <p>A file that an app was exported to, here or by Appsmith (its JSON export, or the layout of one page). It is looked through first; nothing is stored before the app is created.</p>
      <FileDrop label="Drop the app's file here" accept=".json,application/json" onText={take} />
    </Dialog>
  )
}

function Review({ read: { document, report }, onCreated, onBack, onClose }: StartProps & { read: Read }) {
  const resources = useQuery(resourcesQuery)
  const names = (resources.data ?? []).map(({ name }) => name)
  const wanted = resourcesOf(document)
  const [chosen, setChosen] = useState<Record<string, string>>({})
  const naming = useNaming((given) => createApp(given, onResources(document, chosen)), onCreated, document.title)
  const components = Object.values(document.pages).reduce((sum, page) => sum + Object.keys(page.components ?? {}).length, 0)
  return (
    <NamingDialog title="New app from a file" naming={naming} onBack={onBack} onClose={onClose}>
      <p>
        {counted(Object.keys(document.pages).length, 'page')}, {counted(components, 'component')}, {counted(Object.keys(document.queries ?? {}).length, 'query', 'queries')}.
      </p>
      <NamingFields naming={naming} />
      {wanted.length > 0 ? (
        <div className="new-app-fields">
          {wanted.map((resource) => (
            <SelectField
              key={resource}
              label={`Resource for ${resource}`}
              value={chosen[resource] ?? resource}
              options={[...(names.includes(resource) ? [] : [[resource, `${resource} (is not here yet)`] as const]), ...names.map((name) => [name, name] as const)]}
              onChange={({ target }) => setChosen({ ...chosen, [resource]: target.value })}
            />
          ))}
        </div>
      ) : null}
      {report ? <ImportReport name={naming.title} slug={naming.slug} report={report} origin={appsmith} /> : null}
    </NamingDialog>
  )
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
