/** The folders that the person has a role on: made, shared, renamed and deleted here. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { FolderClosed, FolderPlus, Pencil, Plus, Trash2, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { api } from '../../api/client'
import type { Folder } from '../../api/types'
import { plural, t } from '../../messages/messages'
import { Button } from '../../ui/Button'
import { MenuButton, MenuItem } from '../../ui/MenuButton'
import { EmptyState, Loaded } from '../../ui/states'
import { AppsTabs } from '../AppsTabs'
import { PageHead } from '../PageHead'
import { foldersQuery } from '../lists'
import { Share } from '../sharing/Share'
import { roleNames } from '../sharing/routes'
import { useRemoval } from '../use-removal'
import { FolderDialog } from './FolderDialog'
import { nameOf } from './folder-names'

type Opened = { name: 'create'; folder?: Folder } | { name: 'rename' | 'share'; folder: Folder }

export function Folders() {
  const folders = useQuery(foldersQuery)
  const [opened, setOpened] = useState<Opened>()
  const close = () => setOpened(undefined)
  const create = (
    <Button variant="primary" icon={Plus} onClick={() => setOpened({ name: 'create' })}>
      {t('New folder')}
    </Button>
  )
  return (
    <>
      <PageHead title={t('Folders')}>{create}</PageHead>
      <AppsTabs />
      <div className="page-body">
        <Loaded query={folders}>
          {(all) =>
            all.length === 0 ? (
              <EmptyState icon={FolderClosed} title={t('Share many things at once')} action={create}>
                {t('A folder holds apps, workflows, resources and queries. Who gets a role on the folder has it on everything in it, now and later: give the group finance the folder Invoices, and it can use each app that you put there.')}
              </EmptyState>
            ) : (
              <table className="list">
                <thead>
                  <tr>
                    <th>{t('Folder')}</th>
                    <th>{t('Holds')}</th>
                    <th className="wide-only">{t('Your role')}</th>
                    <th>
                      <span className="visually-hidden">{t('Actions')}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((folder) => (
                    <tr key={folder.id}>
                      <td>
                        <Link className="main-link" to="/apps" search={{ folder: folder.path }}>
                          {nameOf(folder.path)}
                        </Link>
                        <div className="muted mono">{folder.path}</div>
                      </td>
                      <td className="muted">{held(folder)}</td>
                      <td className="wide-only">{t(roleNames[folder.role])}</td>
                      <td className="actions">{folder.role === 'viewer' ? null : <Actions folder={folder} onOpen={setOpened} />}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </div>
      {opened?.name === 'create' ? <FolderDialog {...(opened.folder ? { parent: opened.folder } : {})} onClose={close} /> : null}
      {opened?.name === 'rename' ? <FolderDialog folder={opened.folder} onClose={close} /> : null}
      {opened?.name === 'share' ? <Share kind="folders" slug={opened.folder.id} title={opened.folder.path} onClose={close} /> : null}
    </>
  )
}

function Actions({ folder, onOpen }: { folder: Folder; onOpen: (opened: Opened) => void }) {
  const confirmed = useRemoval('folders')
  const remove = () =>
    confirmed({ title: t('Delete {title}?', { title: folder.path }), text: t('The folder and the roles on it go. It must be empty.'), confirm: t('Delete folder') }, () =>
      api.DELETE('/api/v1/folders/{id}', { params: { path: { id: folder.id } }, headers: { 'content-type': 'application/json' } }),
    )
  return (
    <MenuButton text={t('More')} size="small" label={t('Actions on {title}', { title: folder.path })}>
      <MenuItem icon={FolderPlus} onChoose={() => onOpen({ name: 'create', folder })}>
        {t('New folder in it')}
      </MenuItem>
      {folder.role === 'admin' ? (
        <>
          <MenuItem icon={UserPlus} onChoose={() => onOpen({ name: 'share', folder })}>
            {t('Share')}
          </MenuItem>
          <MenuItem icon={Pencil} onChoose={() => onOpen({ name: 'rename', folder })}>
            {t('Rename')}
          </MenuItem>
          <MenuItem icon={Trash2} isDanger onChoose={() => void remove()}>
            {t('Delete')}
          </MenuItem>
        </>
      ) : null}
    </MenuButton>
  )
}

function held({ apps, workflows, resources, queries }: Folder): string {
  const parts = [
    apps > 0 ? plural(apps, '{count} app', '{count} apps') : '',
    workflows > 0 ? plural(workflows, '{count} workflow', '{count} workflows') : '',
    resources > 0 ? plural(resources, '{count} resource', '{count} resources') : '',
    queries > 0 ? plural(queries, '{count} query', '{count} queries') : '',
  ].filter(Boolean)
  return parts.length > 0 ? parts.join(', ') : t('Nothing yet')
}
