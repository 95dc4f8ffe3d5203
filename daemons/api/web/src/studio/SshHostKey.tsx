/** The key that an SSH host must show: read from it once, compared by a person, confirmed. */
import { useMutation } from '@tanstack/react-query'
import { ShieldCheck, TriangleAlert } from 'lucide-react'
import { api, dataOf } from '../api/client'
import type { SshHostConfig } from '../api/types'
import { Button } from '../ui/Button'
import { ErrorNotice } from '../ui/states'

interface Props {
  config: SshHostConfig
  /** What is stored for this place. */
  pinned: { key: string; fingerprint: string } | undefined
  fault: string | undefined
  onConfirm: (hostKey: string) => void
}

export function SshHostKey({ config, pinned, fault, onConfirm }: Props) {
  const { host, port = 22, 'jump-host': jump_host } = config
  const read = useMutation({
    meta: { showsError: true },
    mutationFn: () => dataOf(api.POST('/api/v1/ssh-hosts/host-key', { body: { host, port, ...(jump_host ? { jump_host } : {}) } })),
  })
  const shown = read.data
  const isConfirmed = config['host-key'] !== ''
  const showsAnother = shown !== undefined && shown.host_key !== config['host-key']
  const fingerprint = shown && shown.host_key === config['host-key'] ? shown.fingerprint : pinned?.key === config['host-key'] ? pinned?.fingerprint : undefined
  return (
    <section className="field" aria-label="Key of the host">
      <p className="label">Key of the host</p>
      {isConfirmed && fingerprint && !showsAnother ? (
        <div className="notice green" role="status">
          <ShieldCheck className="icon" aria-hidden />
          <div>
            {pinned?.key === config['host-key'] ? 'Confirmed. No other key is accepted:' : 'Confirmed, and stored when you save:'} <code>{fingerprint}</code>
          </div>
        </div>
      ) : null}
      {showsAnother ? (
        <div className="notice amber" role="status">
          <TriangleAlert className="icon" aria-hidden />
          <div>
            {pinned ? (
              <p>
                The host shows another key than the confirmed one. If nobody changed it on purpose, somebody may be in between. Confirmed: <code>{pinned.fingerprint}</code>
              </p>
            ) : null}
            <p>
              The host shows: <code>{shown.fingerprint}</code>
            </p>
            <p>
              Compare it with what <code>ssh-keygen -l -f {keyFileOf(shown.host_key)}</code> prints on the host itself.
            </p>
            <Button size="small" onClick={() => onConfirm(shown.host_key)}>
              {pinned ? 'It was changed on purpose: confirm the new key' : 'It is the same: confirm'}
            </Button>
          </div>
        </div>
      ) : null}
      {shown && pinned && shown.host_key === pinned.key ? <p className="hint">The host shows the confirmed key.</p> : null}
      <ErrorNotice error={read.error} />
      {fault ? <p className="error">{fault}</p> : null}
      <div className="row">
        <Button size="small" isBusy={read.isPending} disabled={host === '' || port < 1} onClick={() => read.mutate()}>
          {isConfirmed ? 'Read the key again' : 'Read the key'}
        </Button>
        <span className="hint">Connects, and logs in to nothing but the hosts on the way.</span>
      </div>
    </section>
  )
}

function keyFileOf(hostKey: string): string {
  return hostKey.startsWith('ssh-ed25519 ') ? '/etc/ssh/ssh_host_ed25519_key.pub' : '/etc/ssh/ssh_host_ecdsa_key.pub'
}
