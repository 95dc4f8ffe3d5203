/** Above the editor of a workflow that has just been imported: leads back to the report. */
import { Import, X } from 'lucide-react'
import { useState } from 'react'
import { useStore } from 'zustand'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ImportReport } from './ImportReport'
import { dropReport, keptReports } from './kept-reports'
import { countsText } from './report'

export function ImportNotice({ slug, title }: { slug: string; title: string }) {
  const report = useStore(keptReports, ({ reports }) => reports[slug])
  const [isOpen, setOpen] = useState(false)
  if (!report) return null
  const close = () => setOpen(false)
  return (
    <>
      <div className="notice banner">
        <Import className="icon" strokeWidth={1.5} aria-hidden />
        <p className="grow">
          <strong>Imported from n8n</strong>: {countsText(report)}. Look through the report before you release the draft; it is gone when the page is loaded anew.
        </p>
        <Button size="small" onClick={() => setOpen(true)}>
          Show report
        </Button>
        <Button size="small" variant="ghost" icon={X} label="Dismiss the report" onClick={() => dropReport(slug)} />
      </div>
      {isOpen ? (
        <Dialog
          title="Import from n8n"
          isWide
          onClose={close}
          footer={
            <Button variant="primary" onClick={close}>
              Close
            </Button>
          }
        >
          <ImportReport name={title} slug={slug} report={report} />
        </Dialog>
      ) : null}
    </>
  )
}
