/** How much an app was used in the last days: counts, and nothing of who it was. */
import { useQuery } from '@tanstack/react-query'
import { api, dataOf } from '../../api/client'
import type { AppSummary } from '../../api/types'
import { Dialog } from '../../ui/Dialog'
import { Loaded } from '../../ui/states'
import '../new-app/new-app.css'
import { numberText, plural, t } from '../../messages/messages'
import { type UsageDay, filledDays } from './usage-days'

const shownDays = 30

export function AppUsage({ app, onClose }: { app: AppSummary; onClose: () => void }) {
  const usage = useQuery({ queryKey: ['app usage', app.slug], staleTime: 0, queryFn: async () => (await dataOf(api.GET('/api/v1/apps/{slug}/usage', { params: { path: { slug: app.slug } } }))).days })
  return (
    <Dialog title={t('Usage of {title}', { title: app.title })} isWide onClose={onClose}>
      <Loaded query={usage}>{(days) => <Days days={filledDays(days, shownDays, new Date())} />}</Loaded>
      <p className="muted">{t('Opens and query runs of the released app by day, in UTC. Who it was is not counted; a line is written every ten seconds.')}</p>
    </Dialog>
  )
}

function Days({ days }: { days: UsageDay[] }) {
  const most = Math.max(1, ...days.map(({ opens }) => opens))
  const sum = (of: (day: UsageDay) => number) => days.reduce((total, day) => total + of(day), 0)
  const used = days.filter(({ opens, query_runs }) => opens + query_runs > 0).reverse()
  return (
    <>
      <p>
        {t('{opens} and {runs} {span}.', {
          opens: plural(sum(({ opens }) => opens), '{count} open', '{count} opens'),
          runs: plural(sum(({ query_runs }) => query_runs), '{count} query run', '{count} query runs'),
          span: plural(shownDays, 'in {count} day', 'in {count} days'),
        })}
      </p>
      <svg className="usage-bars" viewBox={`0 0 ${days.length * 10} 60`} preserveAspectRatio="none" role="img" aria-label={t('Opens by day')}>
        {days.map(({ day, opens }, index) => (
          <rect key={day} x={index * 10 + 1} width={8} y={60 - (opens / most) * 58} height={(opens / most) * 58} rx={1}>
            <title>{`${day}: ${plural(opens, '{count} open', '{count} opens')}`}</title>
          </rect>
        ))}
      </svg>
      {used.length === 0 ? (
        <p className="muted">{t('Nobody has used it yet.')}</p>
      ) : (
        <table className="list usage-list">
          <thead>
            <tr>
              <th>{t('Day')}</th>
              <th className="number">{t('Opens')}</th>
              <th className="number">{t('Query runs')}</th>
            </tr>
          </thead>
          <tbody>
            {used.map((day) => (
              <tr key={day.day}>
                <td>{day.day}</td>
                <td className="number">{numberText(day.opens)}</td>
                <td className="number">{numberText(day.query_runs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}
