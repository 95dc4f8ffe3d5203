/** What another server sent somebody back with, handed on once. */
import { useMutation } from '@tanstack/react-query'
import { useEffect } from 'react'
import { openedWith } from './router'

/** A part of the address, as it was written. */
export const returned = (name: string) => openedWith.get(name) ?? undefined

interface Handing<T> {
  /** What is said where the person was told no. */
  denied: string
  handOn: () => Promise<T>
  onSuccess: (result: T) => void
}

export function useReturned<T>({ denied, handOn, onSuccess }: Handing<T>) {
  const handing = useMutation({
    meta: { showsError: true },
    mutationFn: async () => {
      const error = returned('error')
      if (error) throw new Error(error === 'access_denied' ? denied : `The server says: ${returned('error_description') ?? error}`)
      return handOn()
    },
    onSuccess,
  })
  const { mutate } = handing
  useEffect(() => {
    // What stands in an address is kept by the browser.
    history.replaceState(null, '', location.pathname)
    mutate()
  }, [mutate])
  return handing
}
