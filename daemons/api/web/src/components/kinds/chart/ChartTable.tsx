/** What a chart draws, as a table. */
import type { Mark } from './marks'
import { plural, t } from '../../../messages/messages'

const most = 500

export function ChartTable({ label, marks }: { label: string; marks: Mark[] }) {
  const names = [...new Set(marks.flatMap((mark) => mark.lines.map((line) => line.name)))]
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div className="app-scroll chart-table" role="region" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('Value')}</th>
            {names.map((name) => (
              <th key={name} scope="col">
                {name || t('Amount')}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {marks.slice(0, most).map((mark, index) => (
            <tr key={index}>
              <th scope="row">{mark.title || '–'}</th>
              {names.map((name) => (
                <td key={name}>{mark.lines.find((line) => line.name === name)?.text ?? '–'}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {marks.length > most ? <p className="hint muted">{plural(marks.length - most, '{count} more.', '{count} more.')}</p> : null}
    </div>
  )
}
