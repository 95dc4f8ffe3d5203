/** The editor for SQL, with the tables and columns of its resource. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { api, dataOf } from '../api/client'
import { CodeEditor } from './CodeEditor'
import type { CodeEditorProps } from './code-mirror'

export function SqlEditor({ resource, ...rest }: Omit<CodeEditorProps, 'language' | 'schema'> & { resource: string }) {
  const schema = useQuery({
    queryKey: ['schema', resource],
    enabled: resource !== '',
    staleTime: 300_000,
    retry: false,
    queryFn: () => dataOf(api.GET('/api/v1/resources/{name}/schema', { params: { path: { name: resource } } })),
  }).data
  const tables = useMemo(() => schema && Object.fromEntries(schema.tables.map((table) => [table.schema === 'public' ? table.name : `${table.schema}.${table.name}`, table.columns.map((column) => column.name)])), [schema])
  return <CodeEditor {...rest} language="sql" {...(tables ? { schema: tables } : {})} />
}
