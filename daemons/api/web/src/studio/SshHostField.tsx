/** The SSH host that a resource is reached through. Administrators choose it; others see that there is one. */
import { useQuery } from '@tanstack/react-query'
import { SelectField, TextField } from '../ui/Field'
import { sshHostsQuery } from './lists'
import { useSession } from './session'
import { whereOf } from './ssh-hosts'

interface Props {
  label: string
  hint: string | undefined
  error: string | undefined
  value: string
  onChange: (value: string | undefined) => void
}

export function SshHostField({ label, hint, error, value, onChange }: Props) {
  const { is_admin } = useSession().user
  const hosts = useQuery({ ...sshHostsQuery, enabled: is_admin })
  if (!is_admin) return value === '' ? null : <TextField label={label} hint="An administrator chose it." error={error} readOnly value="An SSH host" />
  const known = (hosts.data ?? []).map((host) => [host.id, `${host.name} (${whereOf(host.config)})`] as const)
  // While the list is on its way, and where a host is gone, what is set stays set.
  const missing = value === '' || known.some(([id]) => id === value) ? [] : [[value, hosts.isPending ? 'Loading…' : 'An SSH host that is gone'] as const]
  return <SelectField label={label} hint={hint} error={error ?? (hosts.isError ? 'The SSH hosts could not be read.' : undefined)} value={value} options={[['', 'Nothing: directly from here'], ...missing, ...known]} onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)} />
}
