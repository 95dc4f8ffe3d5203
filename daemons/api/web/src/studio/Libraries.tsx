/** The sets of libraries for code: defined here, built in the background. */
import { useQuery } from '@tanstack/react-query'
import { Package, Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { api } from '../api/client'
import type { LibrarySet } from '../api/types'
import { BuildBadge } from '../ui/Badge'
import { Button } from '../ui/Button'
import { RelativeTime, bytes } from '../ui/format'
import { EmptyState, Loaded } from '../ui/states'
import { LibraryDetails } from './LibraryDetails'
import { LibraryDialog } from './LibraryDialog'
import { PageHead } from './PageHead'
import { isUnderWay, languageNames, pollMs } from './library-sets'
import { librarySetsQuery } from './lists'
import { useSession } from './session'
import { useRemoval } from './use-removal'

export function Libraries() {
  const session = useSession()
  const sets = useQuery({ ...librarySetsQuery, refetchInterval: ({ state }) => (state.data?.some(isUnderWay) ? pollMs : false) })
  const [edited, setEdited] = useState<LibrarySet | 'new'>()
  const [shown, setShown] = useState<string>()
  const isAdmin = session.user.is_admin
  const add = isAdmin ? (
    <Button variant="primary" icon={Plus} onClick={() => setEdited('new')}>
      Add libraries
    </Button>
  ) : null
  const confirmed = useRemoval('library-sets')
  const remove = ({ name }: LibrarySet) =>
    confirmed({ title: `Delete ${name}?`, text: 'It can be added again from its lock file. A set that a workflow uses is not deleted.', confirm: 'Delete libraries' }, () =>
      api.DELETE('/api/v1/library-sets/{name}', { params: { path: { name } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <>
      <PageHead title="Libraries">{sets.data?.length === 0 ? null : add}</PageHead>
      <div className="page-body">
        <Loaded query={sets}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={Package} title="Bring your own libraries" action={add}>
                Drop a <code>package-lock.json</code> or a <code>requirements.txt</code> with hashes. The packages are fetched and built once; workflows that choose the set then import them.
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>Set</th>
                    <th>Build</th>
                    <th className="wide-only">Packages</th>
                    <th className="wide-only numeric">Size</th>
                    <th className="wide-only">Changed</th>
                    <th>
                      <span className="visually-hidden">Actions</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((set) => (
                    <tr key={set.name}>
                      <td>
                        <strong className="mono">{set.name}</strong>
                        <div className="muted">{languageNames[set.language]}</div>
                      </td>
                      <td>
                        <BuildBadge status={set.status} />
                        {set.usable && set.status !== 'ready' ? <div className="muted">Earlier build in use</div> : null}
                      </td>
                      <td className="wide-only muted">{packagesOf(set)}</td>
                      <td className="wide-only numeric muted">{set.bytes == null ? '' : bytes(set.bytes)}</td>
                      <td className="wide-only muted">
                        <RelativeTime at={set.updated_at} /> by {set.updated_by ?? 'root'}
                      </td>
                      <td className="actions">
                        {isAdmin ? (
                          <span className="row">
                            <Button size="small" onClick={() => setShown(set.name)}>
                              Details
                            </Button>
                            <Button variant="ghost" size="small" icon={Trash2} label={`Delete ${set.name}`} onClick={() => void remove(set)} />
                          </span>
                        ) : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {edited ? <LibraryDialog {...(edited === 'new' ? {} : { set: edited })} onClose={() => setEdited(undefined)} /> : null}
      {shown === undefined ? null : (
        <LibraryDetails
          name={shown}
          onClose={() => setShown(undefined)}
          onReplace={(set) => {
            setShown(undefined)
            setEdited(set)
          }}
        />
      )}
    </>
  )
}

function packagesOf({ packages }: LibrarySet): string {
  const [first, second, ...rest] = packages.map(({ name }) => name)
  if (first === undefined) return ''
  const named = second === undefined ? first : `${first}, ${second}`
  return rest.length === 0 ? named : `${named} and ${rest.length} more`
}
