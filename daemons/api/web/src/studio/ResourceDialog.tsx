/** Adds or edits a PostgreSQL resource, and tries its settings before they are saved. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { Resource, ResourceConfig } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextAreaField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'

const empty: ResourceConfig = { kind: 'postgresql', host: '', port: 5432, database: '', user: '', tls: 'verify-full' }

export function ResourceDialog({ resource, onClose }: { resource?: Resource; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(resource?.name ?? '')
  const [config, setConfig] = useState<ResourceConfig>(resource?.config ?? empty)
  const [secret, setSecret] = useState('')
  const given = secret === '' ? {} : { secret }
  const test = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.POST('/api/v1/resources/test', { body: { config, ...given, ...(resource ? { name: resource.name } : {}) } }),
  })
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (resource) await api.PUT('/api/v1/resources/{name}', { params: { path: { name: resource.name } }, body: { config, ...given } })
      else await api.POST('/api/v1/resources', { body: { name, config, ...given } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['resources'] })
      onClose()
    },
  })
  const problem = save.error ?? test.error
  const faultOf = (path: string) => (problem instanceof ApiProblem ? problem.faults.find((fault) => fault.path === path)?.message : undefined)
  const change = (part: Partial<ResourceConfig>) => {
    test.reset()
    setConfig({ ...config, ...part })
  }
  return (
    <Dialog
      title={resource ? `Edit ${resource.name}` : 'Add PostgreSQL'}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button isBusy={test.isPending} onClick={() => test.mutate()}>
            Test connection
          </Button>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending}>
            {resource ? 'Save' : 'Add resource'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={problem} />
      {test.isSuccess ? (
        <div className="notice green" role="status">
          <CircleCheck className="icon" aria-hidden />
          The connection works.
        </div>
      ) : null}
      {resource ? null : <TextField label="Name" hint="Queries use it: lower-case letters, digits and hyphens." placeholder="shop-replica" required autoFocus value={name} onChange={(event) => setName(event.target.value)} />}
      <div className="form-grid">
        <TextField label="Host" placeholder="db.example.org" required error={faultOf('config.host')} value={config.host} onChange={(event) => change({ host: event.target.value })} />
        <TextField label="Port" type="number" min={1} max={65535} required error={faultOf('config.port')} value={config.port ?? 5432} onChange={(event) => change({ port: event.target.valueAsNumber || 0 })} />
        <TextField label="Database" required error={faultOf('config.database')} value={config.database} onChange={(event) => change({ database: event.target.value })} />
        <TextField label="User" required error={faultOf('config.user')} value={config.user} onChange={(event) => change({ user: event.target.value })} />
      </div>
      <TextField
        label="Password"
        type="password"
        autoComplete="new-password"
        placeholder={resource?.has_secret ? 'Unchanged' : ''}
        hint="Sealed as soon as it arrives: only the connector can open it."
        error={faultOf('secret')}
        value={secret}
        onChange={(event) => {
          test.reset()
          setSecret(event.target.value)
        }}
      />
      <SelectField
        label="Encryption"
        value={config.tls ?? 'verify-full'}
        onChange={(event) => change({ tls: event.target.value === 'disabled' ? 'disabled' : 'verify-full' })}
        options={[
          ['verify-full', 'TLS, certificate and host name checked'],
          ['disabled', 'None: a server on this machine'],
        ]}
      />
      {config.tls === 'disabled' ? null : (
        <TextAreaField
          label="Authority's certificate"
          rows={3}
          className="mono"
          placeholder="-----BEGIN CERTIFICATE-----"
          hint="Only for an authority of your own; the system's authorities are known."
          value={config['ca-certificate'] ?? ''}
          onChange={(event) => change({ 'ca-certificate': event.target.value === '' ? null : event.target.value })}
        />
      )}
    </Dialog>
  )
}
