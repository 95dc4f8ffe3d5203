/** Makes a folder, on the top or in another one, or gives one another name. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../api/client'
import { faultAt } from '../../api/problem'
import type { Folder } from '../../api/types'
import { t } from '../../messages/messages'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { nameOf } from './folder-names'

export function FolderDialog({ folder, parent, onClose }: { folder?: Folder; parent?: Folder; onClose: () => void }) {
  const queryClient = useQueryClient()
  const [name, setName] = useState(folder ? nameOf(folder.path) : '')
  const saving = useMutation({
    meta: { showsError: true },
    mutationFn: () => (folder ? api.PATCH('/api/v1/folders/{id}', { params: { path: { id: folder.id } }, body: { name } }) : api.POST('/api/v1/folders', { body: { name, ...(parent ? { parent: parent.id } : {}) } })),
    onSuccess: async () => {
      // Paths stand in the lists of everything that is in folders.
      await queryClient.invalidateQueries()
      onClose()
    },
  })
  const wrong = faultAt(saving.error, 'name')
  return (
    <Dialog
      title={folder ? t('Rename {title}', { title: folder.path }) : parent ? t('New folder in {title}', { title: parent.path }) : t('New folder')}
      onClose={onClose}
      onSubmit={() => saving.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={saving.isPending}>
            {folder ? t('Rename') : t('Make folder')}
          </Button>
        </>
      }
    >
      {wrong ? null : <ErrorNotice error={saving.error} />}
      <TextField label={t('Name')} required maxLength={60} error={wrong} value={name} onChange={({ target }) => setName(target.value)} />
    </Dialog>
  )
}
