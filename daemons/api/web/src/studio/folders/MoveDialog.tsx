/** Puts a thing into a folder, perhaps a new one. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, dataOf } from '../../api/client'
import { faultAt } from '../../api/problem'
import { t } from '../../messages/messages'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SelectField, TextField } from '../../ui/Field'
import { ErrorNotice, Loaded } from '../../ui/states'
import { foldersQuery } from '../lists'
import { type SharedKind, moveInto } from '../sharing/routes'

interface Props {
  kind: Exclude<SharedKind, 'folders'>
  slug: string
  title: string
  /** The path of the folder that it is in; empty for none. */
  folder: string
  onClose: () => void
}

export function MoveDialog({ kind, slug, title, folder, onClose }: Props) {
  const queryClient = useQueryClient()
  const folders = useQuery(foldersQuery)
  const [path, setPath] = useState(folder)
  const [name, setName] = useState('')
  const saving = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const chosen = folders.data?.find((one) => one.path === path)?.id
      const made = name.trim() ? await dataOf(api.POST('/api/v1/folders', { body: { name, ...(chosen ? { parent: chosen } : {}) } })) : undefined
      await moveInto(kind, slug, made?.id ?? chosen ?? null)
    },
    onSuccess: onClose,
    onSettled: () => Promise.all([queryClient.invalidateQueries({ queryKey: [kind] }), queryClient.invalidateQueries({ queryKey: ['folders'] })]),
  })
  const wrong = faultAt(saving.error, 'name')
  const open = folders.data?.filter((one) => one.role !== 'viewer').map((one) => one.path) ?? []
  const isClosed = folder !== '' && !open.includes(folder)
  const options = [['', t('No folder')], ...(isClosed ? [[folder, folder]] : []), ...open.map((one) => [one, one])] as [string, string][]
  const isSame = path === folder && name.trim() === ''
  return (
    <Dialog
      title={t('Move {title}', { title })}
      onClose={onClose}
      onSubmit={() => saving.mutate()}
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" variant="primary" disabled={isSame || !folders.isSuccess || (isClosed && path === folder)} isBusy={saving.isPending}>
            {t('Move')}
          </Button>
        </>
      }
    >
      {wrong ? null : <ErrorNotice error={saving.error} />}
      <Loaded query={folders}>
        {() => (
          <>
            <SelectField label={t('Folder')} hint={t('Whoever has a role on the folder has it on this too. You see the folders that you may put something into.')} value={path} options={options} onChange={({ target }) => setPath(target.value)} />
            <TextField label={t('New folder in it')} hint={t('Empty for none.')} maxLength={60} error={wrong} value={name} onChange={({ target }) => setName(target.value)} />
          </>
        )}
      </Loaded>
    </Dialog>
  )
}
