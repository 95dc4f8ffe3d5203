/** The settings of a resource, as its kind describes them. */
import type { ResourceConfig } from '../api/types'
import { type DescribedField, type Fields, withValue } from '../document/described'
import { DescribedFields } from '../ui/DescribedFields'
import { SshHostField } from './SshHostField'
import { resourceKinds } from './resource-kinds'

interface Props {
  config: ResourceConfig
  onChange: (config: ResourceConfig) => void
  faultOf: (path: string) => string | undefined
}

const isShort = (field: DescribedField) => field.type === 'text' || field.type === 'number'

/** Neighbours of one kind: short fields stand side by side, and none moves away from the choice that it belongs to. */
function runsOf(fields: readonly DescribedField[]): DescribedField[][] {
  const runs: DescribedField[][] = []
  for (const field of fields) {
    const last = runs.at(-1)
    if (last?.[0] && isShort(last[0]) === isShort(field)) last.push(field)
    else runs.push([field])
  }
  return runs
}

export function SettingsFields({ config, onChange, faultOf }: Props) {
  const { fields } = resourceKinds[config.kind]
  const shared = {
    value: config as unknown as Fields,
    onChange: (next: Fields) => onChange(next as unknown as ResourceConfig),
    faultOf: (path: string) => faultOf(`config.${path}`),
  }
  return (
    <>
      {runsOf(fields.filter((field) => field.when?.(shared.value) !== false)).map((run) =>
        run.some(isShort) ? (
          <div key={run[0]?.key} className="form-grid">
            <DescribedFields {...shared} fields={run} />
          </div>
        ) : (
          <DescribedFields key={run[0]?.key} {...shared} fields={run} />
        ),
      )}
      {'host' in config || 'url' in config ? (
        <SshHostField
          label="Reached through"
          hint="An SSH host in the network of the server. Host and port are as that host sees them."
          error={faultOf('config.ssh-host')}
          value={config['ssh-host'] ?? ''}
          onChange={(host) => shared.onChange(withValue(shared.value, 'ssh-host', host))}
        />
      ) : null}
    </>
  )
}
