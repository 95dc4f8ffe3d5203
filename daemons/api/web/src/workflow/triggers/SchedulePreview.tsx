/** The next points in time of a schedule, by the clocks there and here. */
import { ApiProblem } from '../../api/problem'
import type { Schedule } from '../../api/types'
import { clockTime } from '../../ui/format'
import { ErrorNotice } from '../../ui/states'
import type { PreviewQuery } from './use-schedule-preview'

export function SchedulePreview({ preview, schedule }: { preview: PreviewQuery; schedule: Schedule }) {
  const zone = schedule.timezone ?? 'UTC'
  // A fault is shown at its field.
  if (preview.isError && preview.error instanceof ApiProblem && preview.error.faults.length > 0) return <p className="muted">The next points in time show when the schedule is right.</p>
  if (preview.isError) return <ErrorNotice error={preview.error} />
  const points = preview.data
  const isElsewhere = points?.some((at) => clockTime(at, zone) !== clockTime(at)) ?? false
  return (
    <div className="field" aria-busy={preview.isFetching}>
      <span className="label">Next points in time</span>
      {points ? (
        <table className="points" aria-label="Next points in time">
          {isElsewhere ? (
            <thead>
              <tr>
                <th scope="col">{zone}</th>
                <th scope="col">Here</th>
              </tr>
            </thead>
          ) : null}
          <tbody>
            {points.map((at) => (
              <tr key={at}>
                <td>
                  <time dateTime={at}>{clockTime(at, zone)}</time>
                </td>
                {isElsewhere ? <td className="muted">{clockTime(at)}</td> : null}
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <div className="points" role="status" aria-label="Loading">
          {Array.from({ length: 5 }, (_, index) => (
            <span key={index} className="skeleton skeleton-62" />
          ))}
        </div>
      )}
    </div>
  )
}
