/** The title and address of a new app, and its making: the address follows the title until it is typed. */
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { isProblem } from '../../api/problem'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { TextField } from '../../ui/Field'
import { ErrorNotice } from '../../ui/states'
import { AddressField, slugOf } from '../CreateDocument'
import { t } from '../../messages/messages'

export interface Naming {
  title: string
  slug: string
  setTitle: (title: string) => void
  setSlug: (slug: string) => void
  isTaken: boolean
  isReady: boolean
  isBusy: boolean
  /** Why it could not be made, other than by its address. */
  error: unknown
  create: () => void
}

export function useNaming(make: (naming: { slug: string; title: string }) => Promise<unknown>, onCreated: (slug: string) => void | Promise<void>, suggested = ''): Naming {
  const [typedTitle, setTitle] = useState<string>()
  const [typedSlug, setSlug] = useState<string>()
  const title = typedTitle ?? suggested
  const slug = typedSlug ?? slugOf(title)
  const creation = useMutation({
    meta: { showsError: true },
    mutationFn: make,
    onSuccess: (_, made) => onCreated(made.slug),
  })
  const isTaken = isProblem(creation.error, 'exists')
  return {
    title,
    slug,
    setTitle,
    setSlug,
    isTaken: isTaken && creation.variables?.slug === slug,
    isReady: title.trim() !== '' && slug !== '',
    isBusy: creation.isPending,
    error: isTaken ? undefined : creation.error,
    create: () => creation.mutate({ slug, title: title.trim() }),
  }
}

export function NamingFields({ naming, placeholder }: { naming: Naming; placeholder?: string }) {
  return (
    <div className="new-app-fields">
      <TextField label={t('Title')} placeholder={placeholder} required maxLength={120} value={naming.title} onChange={({ target }) => naming.setTitle(target.value)} />
      <AddressField noun="app" slug={naming.slug} isTaken={naming.isTaken} onChange={naming.setSlug} />
    </div>
  )
}

interface DialogProps {
  title: string
  naming: Naming
  /** On the button that makes it. */
  action?: string
  /** Whether all that it takes besides a name is there. */
  isReady?: boolean
  /** Why what it takes could not be read. */
  error?: unknown
  onBack?: () => void
  onClose: () => void
  children: ReactNode
}

/** The dialog around it. */
export function NamingDialog({ title, naming, action, isReady = true, error, onBack, onClose, children }: DialogProps) {
  return (
    <Dialog
      title={title}
      isWide
      onClose={onClose}
      onSubmit={naming.create}
      footer={
        <>
          <Button onClick={onBack ?? onClose}>{onBack ? t('Back') : t('Cancel')}</Button>
          <Button type="submit" variant="primary" disabled={!isReady || !naming.isReady} isBusy={naming.isBusy}>
            {action ?? t('Create app')}
          </Button>
        </>
      }
    >
      <ErrorNotice error={error ?? naming.error} />
      {children}
    </Dialog>
  )
}
