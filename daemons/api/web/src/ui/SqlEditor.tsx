/** The editor for SQL, with the tables and columns of its resource. */
import { useMemo } from 'react'
import { CodeEditor } from './CodeEditor'
import type { CodeEditorProps } from './code-mirror'
import { useSchema } from './schema'

export function SqlEditor({ resource, ...rest }: Omit<CodeEditorProps, 'language' | 'schema'> & { resource: string }) {
  const schema = useSchema(resource)
  const tables = useMemo(() => schema && Object.fromEntries(schema.tables.map((table) => [table.schema === 'public' ? table.name : `${table.schema}.${table.name}`, table.columns.map((column) => column.name)])), [schema])
  return <CodeEditor {...rest} language="sql" {...(tables ? { schema: tables } : {})} />
}
