import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiProblem } from '../src/api/problem'
import { createDraftStore, unsavedReason } from '../src/document/draft-store'
import { takenId } from '../src/builder/saving/window-id'
import { draftKey, keepUnsaved, keptElsewhere, readKept, takeKept } from '../src/document/kept-draft'
import { replaceDocument } from '../src/document/replace'

class Memory {
  readonly kept = new Map<string, string>()
  isFull = false
  get length(): number {
    return this.kept.size
  }
  key(index: number): string | null {
    return [...this.kept.keys()][index] ?? null
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null
  }
  setItem(key: string, value: string): void {
    if (this.isFull) throw new Error('no room')
    this.kept.set(key, value)
  }
  removeItem(key: string): void {
    this.kept.delete(key)
  }
}

const key = draftKey('ada', 'orders', 'window-1')

function setUp(send: (revision: number) => Promise<number> = async (revision) => revision + 1) {
  const store = createDraftStore<{ title: string; list?: number[] }>({ title: 'a' }, 4, send)
  const storage = new Memory()
  const leaving: (() => void)[] = []
  const page = { addEventListener: (_: string, listener: () => void) => void leaving.push(listener), removeEventListener: () => {} } as unknown as Window
  const stop = keepUnsaved(store, storage, key, page)
  return { store, storage, stop, leave: () => leaving.forEach((listener) => listener()) }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('unsaved changes', () => {
  it('are kept a moment later, with the revision that they change', () => {
    const { store, storage } = setUp()
    store.edit((draft) => void (draft.title = 'b'))
    expect(storage.kept.size).toBe(0)
    vi.advanceTimersByTime(500)
    expect(readKept(storage, key)).toMatchObject({ revision: 4, document: { title: 'b' } })
  })

  it('are kept when the page goes at once', () => {
    const { store, storage, leave } = setUp()
    store.edit((draft) => void (draft.title = 'b'))
    leave()
    expect(readKept(storage, key)).toMatchObject({ document: { title: 'b' } })
  })

  it('go when they are saved, or taken back', async () => {
    const { store, storage } = setUp()
    store.edit((draft) => void (draft.title = 'b'))
    vi.advanceTimersByTime(500)
    await store.save()
    expect(storage.kept.size).toBe(0)
    store.edit((draft) => void (draft.title = 'c'))
    vi.advanceTimersByTime(500)
    expect(storage.kept.size).toBe(1)
  })

  it('stay when the save is refused', async () => {
    const { store, storage } = setUp(async () => {
      throw new ApiProblem({ status: 409, code: 'draft-changed' })
    })
    store.edit((draft) => void (draft.title = 'b'))
    vi.advanceTimersByTime(500)
    await store.save()
    expect(readKept(storage, key)).toMatchObject({ revision: 4, document: { title: 'b' } })
  })

  it('leave no old copy where there is no room for the new one', () => {
    const { store, storage } = setUp()
    store.edit((draft) => void (draft.title = 'b'))
    vi.advanceTimersByTime(500)
    storage.isFull = true
    store.edit((draft) => void (draft.title = 'c'))
    vi.advanceTimersByTime(500)
    expect(storage.kept.size).toBe(0)
  })

  it('are not read from what is no copy', () => {
    const storage = new Memory()
    for (const text of ['', 'nonsense', '[]', '{"revision":1}', '{"revision":"1","document":{},"at":1}', '{"revision":1,"document":null,"at":1}']) {
      storage.setItem(key, text)
      expect(readKept(storage, key), text).toBeUndefined()
    }
  })
})

describe('unsaved changes of several windows', () => {
  const kept = (title: string, at: number) => JSON.stringify({ revision: 4, document: { title }, at })
  const other = draftKey('ada', 'orders', 'window-2')

  it('do not delete each other', async () => {
    const { store, storage } = setUp()
    storage.setItem(other, kept('theirs', 1))
    store.edit((draft) => void (draft.title = 'b'))
    vi.advanceTimersByTime(500)
    expect(storage.kept.size).toBe(2)
    await store.save()
    expect([...storage.kept.keys()]).toEqual([other])
  })

  it('are found by the others, the newest first, but not what is saved meanwhile or of another app', () => {
    const storage = new Memory()
    storage.setItem(key, kept('mine', 9))
    expect(keptElsewhere(storage, key, { title: 'saved' })).toBeUndefined()
    storage.setItem(draftKey('ada', 'orders', 'window-3'), kept('older', 1))
    storage.setItem(other, kept('newer', 2))
    storage.setItem(draftKey('ada', 'orders', 'window-4'), kept('saved', 3))
    storage.setItem(draftKey('ada', 'orders-2', 'window-5'), kept('another app', 4))
    storage.setItem(draftKey('alan', 'orders', 'window-6'), kept('another person', 5))
    storage.setItem(draftKey('ada', 'orders', 'window-7'), 'nonsense')
    expect(keptElsewhere(storage, key, { title: 'saved' })).toMatchObject({ key: other, kept: { document: { title: 'newer' } } })
    expect([...storage.kept.keys()].filter((one) => /window-[47]/.test(one))).toEqual([])
    takeKept(storage, other, key)
    expect(readKept(storage, key)).toMatchObject({ document: { title: 'newer' } })
    expect(keptElsewhere(storage, key, { title: 'saved' })).toMatchObject({ kept: { document: { title: 'older' } } })
  })

  it('stay where they are when there is no room for them elsewhere', () => {
    const storage = new Memory()
    storage.setItem(other, kept('theirs', 1))
    storage.isFull = true
    takeKept(storage, other, key)
    expect([...storage.kept.keys()]).toEqual([other])
  })
})

describe('a window', () => {
  /** A page in a window that stores these; a copy of a window stores the same. */
  const page = (storage: Memory) => Object.assign(new EventTarget(), { sessionStorage: storage }) as unknown as Window
  const copyOf = (storage: Memory) => {
    const copy = new Memory()
    for (const [name, value] of storage.kept) copy.setItem(name, value)
    return copy
  }

  it('is the same after a reload, and a copy of it is another one', () => {
    const storage = new Memory()
    const first = page(storage)
    const id = takenId(first)
    expect(takenId(page(copyOf(storage)))).not.toBe(id)
    first.dispatchEvent(new Event('pagehide'))
    const reloaded = page(storage)
    expect(takenId(reloaded)).toBe(id)
    expect(takenId(page(copyOf(storage)))).not.toBe(id)
    // It goes on to another page and back, and was kept meanwhile.
    reloaded.dispatchEvent(new Event('pagehide'))
    reloaded.dispatchEvent(new Event('pageshow'))
    expect(takenId(page(copyOf(storage)))).not.toBe(id)
  })
})

describe('a draft that somebody else changed', () => {
  it('is saved over theirs once a person says so', async () => {
    const sent: number[] = []
    const { store } = setUp(async (revision) => {
      sent.push(revision)
      if (revision < 9) throw new ApiProblem({ status: 409, code: 'draft-changed' })
      return revision + 1
    })
    store.edit((draft) => void (draft.title = 'mine'))
    expect(await store.save()).toBe(false)
    store.rebase({ title: 'theirs' }, 9)
    expect(await store.save()).toBe(true)
    expect([sent, store.getState().saved]).toEqual([[4, 9], { title: 'mine' }])
  })

  it('becomes theirs as a step that undo takes back', () => {
    const { store } = setUp()
    store.edit((draft) => void (draft.list = [1]))
    replaceDocument(store, { title: 'theirs' })
    expect(store.getState().document).toEqual({ title: 'theirs' })
    store.undo()
    expect(store.getState().document).toEqual({ title: 'a', list: [1] })
  })

  it('waits quietly while what is typed is not whole', async () => {
    const { store } = setUp(async () => {
      throw new ApiProblem({ status: 422, code: 'document-invalid', detail: 'a binding is never closed' })
    })
    store.edit((draft) => void (draft.title = '{{'))
    await store.save(true)
    expect([store.getState().problem, store.getState().waits]).toEqual([undefined, expect.any(ApiProblem)])
    expect(unsavedReason(store.getState())).toBe(store.getState().waits)
    await store.save()
    expect(store.getState().problem).toBeInstanceOf(ApiProblem)
    expect(unsavedReason(store.getState())).toBe(store.getState().problem)
  })

  it('says what it waits for until it is saved', async () => {
    let isSound = false
    const { store } = setUp(async (revision) => {
      if (isSound) return revision + 1
      throw new ApiProblem({ status: 422, code: 'document-invalid', detail: 'a binding is never closed' })
    })
    store.edit((draft) => void (draft.title = '{{'))
    await store.save(true)
    store.edit((draft) => void (draft.title = '{{ a'))
    const again = store.save(true)
    // It does not come and go with each try.
    expect(store.getState()).toMatchObject({ isSaving: true, waits: { code: 'document-invalid' } })
    await again
    store.edit((draft) => void (draft.title = '{{ a }}'))
    isSound = true
    await store.save(true)
    expect(unsavedReason(store.getState())).toBeUndefined()
  })
})
