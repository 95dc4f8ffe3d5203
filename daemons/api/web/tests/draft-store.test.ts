import { describe, expect, it } from 'vitest'
import { ApiProblem } from '../src/api/problem'
import { createDraftStore, saveText } from '../src/document/draft-store'

const storeOf = (send: (revision: number) => Promise<number> = async (revision) => revision + 1) => createDraftStore({ title: 'a', list: [1] }, 1, send)

describe('an edited document', () => {
  it('undoes and redoes every change', () => {
    const store = storeOf()
    store.edit((draft) => void (draft.title = 'b'))
    store.edit((draft) => void draft.list.push(2))
    store.undo()
    expect(store.getState().document).toEqual({ title: 'b', list: [1] })
    store.undo()
    expect(store.getState().document).toEqual({ title: 'a', list: [1] })
    store.redo()
    store.redo()
    expect(store.getState().document).toEqual({ title: 'b', list: [1, 2] })
  })

  it('takes typing into one field as one step', () => {
    const store = storeOf()
    for (const title of ['b', 'bc', 'bcd']) store.edit((draft) => void (draft.title = title), 'title')
    store.undo()
    expect(store.getState().document.title).toBe('a')
  })

  it('is saved again after an undo to what the server has', async () => {
    const store = storeOf()
    store.edit((draft) => void (draft.title = 'b'))
    expect(saveText(store.getState())).toBe('Unsaved changes')
    expect(await store.save()).toBe(true)
    expect(store.getState().revision).toBe(2)
    expect(saveText(store.getState())).toBe('Saved')
  })

  it('keeps the changes and says so when someone else saved meanwhile', async () => {
    const store = storeOf(async () => {
      throw new ApiProblem({ status: 409, code: 'draft-changed', detail: 'somebody saved meanwhile' })
    })
    store.edit((draft) => void (draft.title = 'b'))
    expect(await store.save()).toBe(false)
    expect(store.getState().document.title).toBe('b')
    expect(saveText(store.getState())).toBe('Changed by someone else')
  })
})
