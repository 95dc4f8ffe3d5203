/** Adds or edits a resource, and tries its settings before they are saved. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleCheck } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { api } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { Resource, ResourceConfig } from '../api/types'
import { type Fields, withValue } from '../document/described'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { AccountPanel } from './AccountPanel'
import { ClientCertificateFields } from './ClientCertificateFields'
import { SettingsFields } from './SettingsFields'
import { resourceKinds, showsCertificate } from './resource-kinds'

/** Whether it asks as an account that somebody connects. */
const isConnected = (config: ResourceConfig) => 'authentication' in config && config.authentication?.type === 'oauth2-code'

interface Props {
  /** One that is there; else a new one, with the settings that one of its kind begins with. */
  resource?: Resource
  begin: ResourceConfig
  /** The environment whose settings they are, if it is not the default one. */
  environment?: { name: string; hasSecret: boolean }
  head?: ReactNode
  onClose: () => void
}

export function ResourceDialog({ resource, begin, environment, head, onClose }: Props) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(resource?.name ?? '')
  const [config, setConfig] = useState<ResourceConfig>(begin)
  const [secret, setSecret] = useState('')
  const [clientKey, setClientKey] = useState('')
  const settings = config as unknown as Fields
  const { label, secret: secretOf } = resourceKinds[config.kind]
  const secretLabel = secretOf(settings)
  const certificate = String(settings['client-certificate'] ?? '')
  const given = {
    ...(secret === '' || secretLabel === undefined ? {} : { secret }),
    ...(clientKey === '' || certificate === '' ? {} : { client_key: clientKey }),
  }
  const test = useMutation({
    meta: { showsError: true },
    mutationFn: () => api.POST('/api/v1/resources/test', { body: { config, ...given, ...(resource ? { name: resource.name } : {}), ...(environment ? { environment: environment.name } : {}) } }),
  })
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (resource && environment) await api.PUT('/api/v1/resources/{name}/environments/{environment}', { params: { path: { name: resource.name, environment: environment.name } }, body: { config, ...given } })
      else if (resource) await api.PUT('/api/v1/resources/{name}', { params: { path: { name: resource.name } }, body: { config, ...given } })
      else await api.POST('/api/v1/resources', { body: { name, config, ...given } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['resources'] })
      onClose()
    },
  })
  const problem = save.error ?? test.error
  const faultOf = (path: string) => (problem instanceof ApiProblem ? problem.faults.find((fault) => fault.path === path)?.message : undefined)
  const forget = () => {
    save.reset()
    test.reset()
  }
  return (
    <Dialog
      title={resource ? `Edit ${resource.name}` : `Add ${label}`}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button isBusy={test.isPending} onClick={() => {
              save.reset()
              test.mutate()
            }}>
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
      {head}
      <ErrorNotice error={problem} />
      {test.isSuccess ? (
        <div className="notice green" role="status">
          <CircleCheck className="icon" aria-hidden />
          The connection works.
        </div>
      ) : null}
      {resource ? null : <TextField label="Name" hint="Queries use it: lower-case letters, digits and hyphens." placeholder="shop-replica" required autoFocus value={name} onChange={(event) => setName(event.target.value)} />}
      <SettingsFields
        config={config}
        faultOf={faultOf}
        onChange={(next) => {
          forget()
          setConfig(next)
        }}
      />
      {resource?.config && isConnected(resource.config) ? <AccountPanel resource={resource.name} /> : null}
      {secretLabel === undefined ? null : (
        <TextField
          label={secretLabel}
          type="password"
          autoComplete="new-password"
          placeholder={(environment ? environment.hasSecret : resource?.has_secret) ? 'Unchanged' : ''}
          hint="Sealed as soon as it arrives: only the connector can open it."
          error={faultOf('secret')}
          value={secret}
          onChange={(event) => {
            forget()
            setSecret(event.target.value)
          }}
        />
      )}
      {showsCertificate(config.kind, settings) ? (
        <ClientCertificateFields
          certificate={certificate}
          clientKey={clientKey}
          isStored={resource?.has_secret === true}
          faultOf={faultOf}
          onChange={(nextCertificate, nextKey) => {
            forget()
            setConfig(withValue(settings, 'client-certificate', nextCertificate === '' ? undefined : nextCertificate) as unknown as ResourceConfig)
            setClientKey(nextKey)
          }}
        />
      ) : null}
    </Dialog>
  )
}
