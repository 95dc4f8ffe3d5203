/** Adds or edits an SSH host: its key is read and confirmed, its settings are tried before they are saved. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import { api, dataOf } from '../api/client'
import { ApiProblem } from '../api/problem'
import type { SshHost, SshHostConfig } from '../api/types'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { SelectField, TextField } from '../ui/Field'
import { ErrorNotice } from '../ui/states'
import { SshHostKey } from './SshHostKey'
import { SshSecretFields } from './SshSecretFields'
import { type SecretDraft, isSecretNeeded, jumpHosts, newConfig, placeOf, secretOf, whereOf } from './ssh-hosts'

export function SshHostDialog({ all, stored, onClose }: { all: readonly SshHost[]; stored?: SshHost; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(stored?.name ?? '')
  const [config, setConfig] = useState<SshHostConfig>(stored?.config ?? newConfig)
  const [draft, setDraft] = useState<SecretDraft>({ authentication: stored?.authentication ?? 'key', privateKey: '', passphrase: '', password: '' })
  const secret = secretOf(draft)
  const isNeeded = isSecretNeeded(stored, config, draft.authentication)
  const body = { config, ...(secret ? { secret } : {}) }
  const test = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/ssh-hosts/test', { body: { ...body, ...(stored ? { name: stored.name } : {}) } })),
  })
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      if (stored) await api.PUT('/api/v1/ssh-hosts/{name}', { params: { path: { name: stored.name } }, body })
      else if (secret) await api.POST('/api/v1/ssh-hosts', { body: { name, config, secret } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['ssh-hosts'] })
      onClose()
    },
  })
  const change = (next: SshHostConfig) => {
    test.reset()
    save.reset()
    if (placeOf(next) === placeOf(config)) return setConfig(next)
    // A key belongs to the place where it was read.
    setConfig({ ...next, 'host-key': stored && placeOf(stored.config) === placeOf(next) ? stored.config['host-key'] : '' })
  }
  const set = (part: Partial<SshHostConfig>) => change({ ...config, ...part })
  const setJump = (jump: string) => {
    const { 'jump-host': _, ...direct } = config
    change(jump === '' ? direct : { ...direct, 'jump-host': jump })
  }
  const pinned = stored && placeOf(stored.config) === placeOf(config) ? { key: stored.config['host-key'], fingerprint: stored.fingerprint } : undefined
  const problem = save.error ?? test.error
  const faultOf = (path: string) => (problem instanceof ApiProblem ? problem.faults.find((fault) => fault.path === path)?.message : undefined)
  const isReady = config['host-key'] !== '' && (!isNeeded || secret !== undefined)
  return (
    <Dialog
      title={stored ? `Edit ${stored.name}` : 'Add SSH host'}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button isBusy={test.isPending} disabled={!isReady} onClick={() => test.mutate()}>
            Test log-in
          </Button>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending} disabled={!isReady}>
            {stored ? 'Save' : 'Add SSH host'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={problem} />
      {test.data ? <Outcome forwards={test.data.forwards} /> : null}
      {stored ? null : <TextField label="Name" hint="Lower-case letters, digits and hyphens." placeholder="office-bastion" required autoFocus value={name} onChange={(event) => setName(event.target.value)} />}
      <div className="form-grid">
        <TextField label="Host" placeholder="bastion.example.org" required error={faultOf('config.host')} value={config.host} onChange={({ target }) => set({ host: target.value.trim() })} />
        <TextField label="Port" type="number" min={1} max={65535} required error={faultOf('config.port')} value={config.port || ''} onChange={({ target }) => set({ port: Number.isNaN(target.valueAsNumber) ? 0 : target.valueAsNumber })} />
      </div>
      <SelectField
        label="Reached through"
        hint="Another SSH host, where this one cannot be reached from here. Four may stand in a row."
        error={faultOf('config.jump-host')}
        value={config['jump-host'] ?? ''}
        options={[['', 'Nothing: directly from here'], ...jumpHosts(all, stored).map((host) => [host.id, `${host.name} (${whereOf(host.config)})`] as const)]}
        onChange={({ target }) => setJump(target.value)}
      />
      <TextField label="User" placeholder="tunnel" required error={faultOf('config.user')} value={config.user} onChange={({ target }) => set({ user: target.value })} />
      <SshSecretFields
        draft={draft}
        isNeeded={isNeeded}
        isMoved={stored !== undefined && isNeeded}
        faultOf={faultOf}
        onChange={(next) => {
          test.reset()
          setDraft(next)
        }}
      />
      <SshHostKey key={placeOf(config)} config={config} pinned={pinned} fault={faultOf('config.host-key')} onConfirm={(hostKey) => set({ 'host-key': hostKey })} />
    </Dialog>
  )
}

function Outcome({ forwards }: { forwards: boolean }) {
  return forwards ? (
    <div className="notice green" role="status">
      <CircleCheck className="icon" aria-hidden />
      The log-in works, and the host forwards connections.
    </div>
  ) : (
    <div className="notice amber" role="status">
      <TriangleAlert className="icon" aria-hidden />
      <div>
        The log-in works, but the host refused to forward to its own loopback. That is fine where <code>PermitOpen</code> lists your databases; with <code>AllowTcpForwarding no</code> nothing can be reached through it.
      </div>
    </div>
  )
}
