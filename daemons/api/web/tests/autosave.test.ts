import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { api } from '../src/api/client'
import { ApiProblem } from '../src/api/problem'
import type { AppDocument } from '../src/api/types'
import { draftSender } from '../src/builder/saving/send-draft'
import { autosave } from '../src/builder/saving/use-autosave'
import { createDraftStore } from '../src/document/draft-store'

type Answer = 'saved' | Error

const unreachable = new TypeError('Failed to fetch')
const ended: (() => void)[] = []

/** A draft that saves itself to a server which gives these answers, the last one from then on. */
function setUp(answers: Answer[]) {
  const sent: string[] = []
  const page = Object.assign(new EventTarget(), { navigator: { onLine: true } })
  const store = createDraftStore({ title: 'a' }, 1, async (revision, { title }) => {
    sent.push(title)
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return revision + 1
  })
  ended.push(autosave(store, page as unknown as Window))
  const write = (title: string) => store.edit((draft) => void (draft.title = title))
  return { store, sent, page, write }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  ended.splice(0).forEach((end) => end())
  vi.restoreAllMocks()
  vi.useRealTimers()
})

it('saves a moment after the last change', async () => {
  const { store, sent, write } = setUp(['saved'])
  write('b')
  await vi.advanceTimersByTimeAsync(1000)
  write('c')
  await vi.advanceTimersByTimeAsync(1000)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1000)
  expect([sent, store.getState().saved]).toEqual([['c'], { title: 'c' }])
})

it.each([
  ['the network', unreachable],
  ['the server', new ApiProblem({ status: 503, code: 'unavailable' })],
])('tries again by itself after %s failed, less and less often, and says so meanwhile', async (_, failure) => {
  const { store, sent, write } = setUp([failure, failure, failure, 'saved'])
  write('b')
  await vi.advanceTimersByTimeAsync(2000)
  expect([sent.length, store.getState().problem]).toEqual([1, failure])
  await vi.advanceTimersByTimeAsync(5000)
  expect(sent.length).toBe(2)
  await vi.advanceTimersByTimeAsync(5000)
  expect([sent.length, store.getState().problem]).toEqual([2, failure])
  await vi.advanceTimersByTimeAsync(30_000)
  expect([sent.length, store.getState().problem, store.getState().saved]).toEqual([4, undefined, { title: 'b' }])
})

it('tries again at once when the browser is online, and with the next change', async () => {
  const { store, sent, page, write } = setUp([unreachable, unreachable, 'saved'])
  write('b')
  await vi.advanceTimersByTimeAsync(2000)
  page.navigator.onLine = false
  await vi.advanceTimersByTimeAsync(600_000)
  expect(sent.length).toBe(1)
  page.navigator.onLine = true
  page.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(2000)
  expect(sent.length).toBe(2)
  write('c')
  await vi.advanceTimersByTimeAsync(2000)
  expect([sent, store.getState().saved]).toEqual([['b', 'b', 'c'], { title: 'c' }])
})

it.each([
  ['somebody else saved', new ApiProblem({ status: 409, code: 'draft-changed' })],
  ['it may not be', new ApiProblem({ status: 403, code: 'forbidden' })],
])('leaves it to a person when %s', async (_, refusal) => {
  const { sent, page, write } = setUp([refusal, 'saved'])
  write('b')
  await vi.advanceTimersByTimeAsync(2000)
  write('c')
  page.dispatchEvent(new Event('online'))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(sent).toEqual(['b'])
})

it('saves what a change has made sound, also after a person was told that it is not', async () => {
  const unsound = new ApiProblem({ status: 422, code: 'document-invalid' })
  const { store, sent, write } = setUp([unsound, unsound, 'saved'])
  write('{{')
  await store.save()
  await vi.advanceTimersByTimeAsync(600_000)
  expect([sent, store.getState().problem]).toEqual([['{{', '{{'], unsound])
  write('{{ a }}')
  await vi.advanceTimersByTimeAsync(2000)
  expect([sent.at(-1), store.getState().saved, store.getState().problem]).toEqual(['{{ a }}', { title: '{{ a }}' }, undefined])
})

it('saves what was written while a save was under way, and nothing after its end', async () => {
  let answer: (revision: number) => void = () => undefined
  const store = createDraftStore({ title: 'a' }, 1, () => new Promise<number>((resolve) => void (answer = resolve)))
  const page = Object.assign(new EventTarget(), { navigator: { onLine: true } }) as unknown as Window
  const end = autosave(store, page)
  store.edit((draft) => void (draft.title = 'b'))
  await vi.advanceTimersByTimeAsync(2000)
  store.edit((draft) => void (draft.title = 'c'))
  await vi.advanceTimersByTimeAsync(10_000)
  answer(2)
  await vi.advanceTimersByTimeAsync(2000)
  answer(3)
  await vi.advanceTimersByTimeAsync(0)
  expect([store.getState().saved, store.getState().revision]).toEqual([{ title: 'c' }, 3])
  store.edit((draft) => void (draft.title = 'd'))
  end()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(store.getState().isSaving).toBe(false)
})

/** A server that keeps a draft, and answers of which the first is lost on its way. */
function losing(first: 'answer' | 'request') {
  const server = { revision: 1, draft: draft('a'), lost: false }
  vi.spyOn(api, 'PUT').mockImplementation((async (_: string, { body }: { body: { revision: number; document: AppDocument } }) => {
    const isLost = !server.lost
    server.lost = true
    if (isLost && first === 'request') throw unreachable
    if (body.revision !== server.revision) throw new ApiProblem({ status: 409, code: 'draft-changed' })
    Object.assign(server, { revision: server.revision + 1, draft: body.document })
    if (isLost) throw unreachable
    return { data: { revision: server.revision } }
  }) as never)
  vi.spyOn(api, 'GET').mockImplementation((async () => ({ data: { draft: server.draft, draft_revision: server.revision } })) as never)
  return server
}
const draft = (title: string): AppDocument => ({ format: 1, title, 'home-page': 'home', pages: { home: {} }, queries: {} })

it.each(['answer', 'request'] as const)('takes its own save for nobody else’s when the %s was lost', async (first) => {
  vi.useRealTimers()
  const server = losing(first)
  const send = draftSender('orders')
  await expect(send(1, draft('b'))).rejects.toBe(unreachable)
  expect(await send(1, draft('c'))).toBe(server.revision)
  expect(server.draft.title).toBe('c')
})

it('is refused when somebody else has saved, also after an answer was lost', async () => {
  vi.useRealTimers()
  const server = losing('answer')
  const send = draftSender('orders')
  await expect(send(1, draft('b'))).rejects.toBe(unreachable)
  Object.assign(server, { revision: 5, draft: draft('theirs') })
  await expect(send(1, draft('c'))).rejects.toMatchObject({ code: 'draft-changed' })
  expect(server.draft.title).toBe('theirs')
})
