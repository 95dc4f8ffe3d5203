/** Connects a repository: its address, its branch, the server's confirmed key, and what logs in. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import { ApiProblem } from '../../api/problem'
import type { SourceControlConfig, SourceControlSecret, SourceControlStatus } from '../../api/types'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextAreaField, TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { SshHostKey } from '../SshHostKey'

interface Props {
  stored?: NonNullable<SourceControlStatus['repository']>
  onClose: () => void
}

export function ConnectDialog({ stored, onClose }: Props) {
  const queryClient = useQueryClient()
  const [url, setUrl] = useState(stored?.config.url ?? '')
  const [branch, setBranch] = useState(stored?.config.branch ?? 'main')
  const [hostKey, setHostKey] = useState(stored?.config['host-key'] ?? '')
  const [privateKey, setPrivateKey] = useState('')
  const [user, setUser] = useState('')
  const [token, setToken] = useState('')
  // The server says what the parts of an address are, so that there is one reader of it.
  const server = useQuery({ queryKey: ['repository server', url], enabled: url.length > 8, retry: false, queryFn: () => dataOf(api.POST('/api/v1/source-control/server', { body: { url } })) })
  const isSsh = server.data?.transport === 'ssh'
  const config: SourceControlConfig = { url, branch, ...(isSsh && hostKey !== '' ? { 'host-key': hostKey } : {}) }
  const secret: SourceControlSecret | undefined = isSsh
    ? privateKey.trim() === ''
      ? undefined
      : { authentication: 'key', 'private-key': privateKey }
    : token === ''
      ? undefined
      : { authentication: 'token', token, ...(user === '' ? {} : { user }) }
  const save = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      await api.PUT('/api/v1/source-control', { body: { config, ...(secret ? { secret } : {}) } })
      // What the repository has is what one wants to see next.
      await api.POST('/api/v1/source-control/fetch', { headers: { 'content-type': 'application/json' } })
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['source-control'] })
      onClose()
    },
  })
  const faultOf = (path: string) => (save.error instanceof ApiProblem ? save.error.faults.find((fault) => fault.path === path)?.message : undefined)
  const addressFault = faultOf('config.url') ?? (server.error instanceof ApiProblem ? `The address ${server.error.message}` : undefined)
  const isReady = server.data !== undefined && branch !== '' && (!isSsh || hostKey !== '') && (stored !== undefined || secret !== undefined)
  const pinned = stored?.config['host-key'] && stored.fingerprint && stored.config.url === url ? { key: stored.config['host-key'], fingerprint: stored.fingerprint } : undefined
  const keepHint = stored ? ' Leave it empty to keep the stored one.' : ''
  return (
    <Dialog
      title={stored ? 'Edit the connection' : 'Connect a repository'}
      isWide
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <span className="grow" />
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="primary" isBusy={save.isPending} disabled={!isReady}>
            {stored ? 'Save and fetch' : 'Connect and fetch'}
          </Button>
        </>
      }
    >
      <ErrorNotice error={save.error} />
      <TextField
        label="Address"
        hint="git@git.example:team/apps.git, ssh://git@git.example/team/apps.git or https://git.example/team/apps.git"
        required
        autoFocus
        error={addressFault}
        value={url}
        onChange={({ target }) => {
          setUrl(target.value.trim())
          // A key belongs to the server where it was read.
          setHostKey(stored?.config.url === target.value.trim() ? (stored.config['host-key'] ?? '') : '')
        }}
      />
      <TextField label="Branch" hint="What is pulled, and committed to unless you name a new one." required error={faultOf('config.branch')} value={branch} onChange={({ target }) => setBranch(target.value.trim())} />
      {server.data && isSsh ? (
        <>
          <TextAreaField label="Private key" hint={`Of a deploy key with the right to write, in OpenSSH form, without a passphrase. It is sealed at once and never shown again.${keepHint}`} rows={4} spellCheck={false} autoComplete="off" error={faultOf('secret')} value={privateKey} onChange={({ target }) => setPrivateKey(target.value)} />
          <SshHostKey key={`${server.data.host}:${server.data.port}`} config={{ host: server.data.host, port: server.data.port, user: 'git', 'host-key': hostKey }} pinned={pinned} fault={faultOf('config.host-key')} onConfirm={setHostKey} />
        </>
      ) : null}
      {server.data && !isSsh ? (
        <div className="form-grid">
          <TextField label="User" hint="Where the server wants one; else leave it empty." autoComplete="off" value={user} onChange={({ target }) => setUser(target.value.trim())} />
          <TextField label="Token" type="password" autoComplete="new-password" hint={`With the right to read and write the repository. It is sealed at once and never shown again.${keepHint}`} error={faultOf('secret')} value={token} onChange={({ target }) => setToken(target.value.trim())} />
        </div>
      ) : null}
    </Dialog>
  )
}
