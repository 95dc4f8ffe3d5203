/** Two versions of an app: their pages side by side with what changed outlined, and their texts. */
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { api, dataOf } from '../../api/client'
import type { AppDocument } from '../../api/types'
import { type AppDiff, appDiff, changedPages, isUnchanged } from '../../document/app-diff'
import { canonicalText } from '../../document/canonical'
import type { DraftStore } from '../../document/draft-store'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { SelectField } from '../../ui/Field'
import { ErrorNotice, SkeletonRows } from '../../ui/states'
import { TextDiff } from '../../ui/TextDiff'
import { Changes } from './Changes'
import { PageSketch } from './PageSketch'

interface Props {
  slug: string
  store: DraftStore<AppDocument>
  version: number
  versions: number[]
  onBack: () => void
  onClose: () => void
}

type View = 'pages' | 'text'

function useVersion(slug: string, store: DraftStore<AppDocument>, version: number | 'draft') {
  return useQuery({
    queryKey: ['app release', slug, version, version === 'draft' ? store.getState().document : undefined],
    queryFn: async (): Promise<AppDocument> => (version === 'draft' ? store.getState().document : (await dataOf(api.GET('/api/v1/apps/{slug}/releases/{version}', { params: { path: { slug, version } } }))).document),
  })
}

export function Comparison({ slug, store, version, versions, onBack, onClose }: Props) {
  const [before, setBefore] = useState<number | 'draft'>(version)
  const [after, setAfter] = useState<number | 'draft'>('draft')
  const [view, setView] = useState<View>('pages')
  const [old, now] = [useVersion(slug, store, before), useVersion(slug, store, after)]
  const diff = useMemo(() => (old.data && now.data ? appDiff(old.data, now.data) : undefined), [old.data, now.data])
  const options = [['draft', 'Draft'] as const, ...versions.map((one) => [String(one), `Version ${one}`] as const)]
  const read = (text: string) => (text === 'draft' ? 'draft' : Number(text))
  return (
    <Dialog
      title="Compare versions"
      isWide
      onClose={onClose}
      footer={
        <>
          <Button onClick={onBack}>Back to all releases</Button>
          <span className="grow" />
          <Button onClick={onClose}>Close</Button>
        </>
      }
    >
      <ErrorNotice error={old.error ?? now.error} />
      <div className="form-grid">
        <SelectField label="Before" value={String(before)} options={options} onChange={({ target }) => setBefore(read(target.value))} />
        <SelectField label="After" value={String(after)} options={options} onChange={({ target }) => setAfter(read(target.value))} />
      </div>
      <div className="row" role="group" aria-label="Show">
        {(['pages', 'text'] as const).map((one) => (
          <Button key={one} size="small" variant={view === one ? 'primary' : 'secondary'} aria-pressed={view === one} onClick={() => setView(one)}>
            {one === 'pages' ? 'As pages' : 'As text'}
          </Button>
        ))}
      </div>
      {!diff ? <SkeletonRows count={6} /> : isUnchanged(diff) ? <p className="muted">Both say the same.</p> : view === 'pages' ? <Pages diff={diff} /> : old.data && now.data ? <Texts before={old.data} after={now.data} /> : null}
    </Dialog>
  )
}

function Pages({ diff }: { diff: AppDiff }) {
  // Where none of its components changed, two sketches would be the same.
  const changed = changedPages(diff).filter(({ before, after, components }) => !before || !after || Object.keys(components).length > 0)
  return (
    <>
      <Changes diff={diff} since="the version before" />
      {changed.map(({ name, title, before, after, components }) => (
        <section key={name} className="history-page" aria-label={`Page ${title}`}>
          <h3>{title}</h3>
          <div className="history-pair">
            <PageSketch label={`${title} before`} page={before} changes={components} isBefore />
            <PageSketch label={`${title} after`} page={after} changes={components} />
          </div>
        </section>
      ))}
    </>
  )
}

function Texts({ before, after }: { before: AppDocument; after: AppDocument }) {
  return <TextDiff label="Text of both versions" before={canonicalText(before)} after={canonicalText(after)} />
}
