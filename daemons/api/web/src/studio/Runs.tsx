/** The runs of all workflows. */
import { PageHead } from './PageHead'
import { RunTable } from './RunTable'

export function Runs() {
  return (
    <>
      <PageHead title="Runs" />
      <div className="page-body">
        <RunTable />
      </div>
    </>
  )
}
