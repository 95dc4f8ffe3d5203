/** A choice of an environment; nothing where there is only the default one, and nothing else is chosen. */
import { useQuery } from '@tanstack/react-query'
import { SelectField } from '../ui/Field'
import { environmentsQuery } from './lists'

interface Props {
  label: string
  value: string | null | undefined
  /** Null is the default one. */
  onChange: (environment: string | null) => void
  error?: string | undefined
}

export function EnvironmentField({ label, value, onChange, error }: Props) {
  const all = useQuery(environmentsQuery).data ?? []
  const usual = all.find((one) => one.is_default)?.name ?? ''
  const others = all.filter((one) => !one.is_default).map((one) => one.name)
  const names = [...new Set([...others, ...(value ? [value] : [])])]
  if (names.length === 0) return null
  return <SelectField label={label} error={error} value={value ?? ''} options={[['', usual], ...names.map((name) => [name, name] as const)]} onChange={({ target }) => onChange(target.value || null)} />
}
