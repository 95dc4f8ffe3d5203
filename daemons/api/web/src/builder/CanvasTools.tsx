/** Below the canvas: which screen it stands for, and how large it is shown. */
import { Monitor, RotateCcw, Smartphone, ZoomIn, ZoomOut } from 'lucide-react'
import { useStore } from 'zustand'
import type { AppDocument } from '../api/types'
import type { DraftStore } from '../document/draft-store'
import { t } from '../messages/messages'
import { hasPhoneLayout } from '../runtime/phone-layout'
import { Button } from '../ui/Button'
import { canvasView, zoomBy } from './canvas-view'
import { resetPhoneLayout } from './phone-edits'

export function CanvasTools({ store, page }: { store: DraftStore<AppDocument>; page: string }) {
  const { device, zoom } = useStore(canvasView)
  const isArranged = useStore(store, ({ document }) => hasPhoneLayout(document.pages[page] ?? {}))
  return (
    <div className="canvas-tools" role="toolbar" aria-label={t('Canvas view')} onPointerDown={(event) => event.stopPropagation()}>
      <Button variant="ghost" size="small" icon={Monitor} label={t('Wide screen')} aria-pressed={device === 'desktop'} onClick={() => canvasView.setState({ device: 'desktop' })} />
      <Button variant="ghost" size="small" icon={Smartphone} label={t('Phone screen')} aria-pressed={device === 'phone'} onClick={() => canvasView.setState({ device: 'phone' })} />
      {device === 'phone' ? (
        isArranged ? (
          <Button variant="ghost" size="small" icon={RotateCcw} onClick={() => store.edit((draft) => resetPhoneLayout(draft, page))}>
            {t('Stack by itself')}
          </Button>
        ) : (
          <span className="muted">{t('Stacked by itself until you move something.')}</span>
        )
      ) : null}
      <span className="grow" />
      <Button variant="ghost" size="small" icon={ZoomOut} label={t('Smaller')} onClick={() => canvasView.setState({ zoom: zoomBy(zoom, -1) })} />
      <Button variant="ghost" size="small" title={t('As large as it is')} onClick={() => canvasView.setState({ zoom: 100 })}>
        {zoom} %
      </Button>
      <Button variant="ghost" size="small" icon={ZoomIn} label={t('Larger')} onClick={() => canvasView.setState({ zoom: zoomBy(zoom, 1) })} />
    </div>
  )
}
