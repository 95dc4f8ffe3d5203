/** Components that show once for each item of a list. On the canvas they stand in the first item, where they are edited. */
import { useMemo, useRef, useState } from 'react'
import { mostItems } from '../../../runtime/lists'
import { baseOf } from '../../../runtime/nesting'
import { flagOf, jsonOf, numberOf, textOf } from '../../../runtime/values'
import { Button } from '../../../ui/Button'
import { SkeletonRows } from '../../../ui/states'
import '../../containers.css'
import { type ViewProps, useProperties, useQueriesOf } from '../../runtime-context'
import { ItemContext, Slot, useIsCanvas } from '../../slot'
import { plural, t } from '../../../messages/messages'
import { useTold } from '../../told'
import './list.css'

const rowHeight = 36

export function View(props: ViewProps) {
  const { name } = props
  const read = useProperties(props)
  const isCanvas = useIsCanvas()
  const queries = useQueriesOf(name, 'data')
  const data = read('data')
  const items = useMemo(() => {
    const given = jsonOf(data)
    return Array.isArray(given) ? given.slice(0, mostItems) : []
  }, [data])
  const size = Math.max(1, Math.min(100, numberOf(read('page-size')) ?? 20))
  const [count, setCount] = useState(size)
  const { path } = baseOf(name)
  const element = useRef<HTMLDivElement>(null)
  const failed = queries.find(({ state }) => state.status === 'failed')
  const isLoading = queries.some(({ state }) => state.status === 'loading' && !state.result)
  const height = numberOf(read('item-height'))
  const classes = ['app-list', textOf(read('direction')) === 'row' ? 'in-row' : '', flagOf(read('framed') ?? true) ? 'framed' : '']
  // Also without data there is an item to put components in.
  const shown = isCanvas ? Math.max(1, Math.min(3, items.length)) : Math.min(items.length, Math.max(count, size))
  useTold(element, {
    showMore: () => setCount(shown + size),
    scrollTo: (given) => {
      const index = Math.max(0, Math.min(items.length - 1, numberOf(given) ?? 0))
      if (index >= shown) setCount(index + 1)
      // Once it is there.
      requestAnimationFrame(() => requestAnimationFrame(() => element.current?.querySelector(':scope > ul')?.children[index]?.scrollIntoView({ block: 'nearest' })))
    },
  })
  if (failed) {
    return (
      <p className="app-fault" role="alert">
        <strong>{failed.name}</strong> {failed.state.message}
      </p>
    )
  }
  if (isLoading && !isCanvas) return <SkeletonRows count={4} />
  if (shown === 0) return <p className="muted app-empty">{textOf(read('empty-text')) || t('Nothing to show.')}</p>
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div ref={element} className={classes.filter(Boolean).join(' ')} role="region" tabIndex={0} aria-label={name}>
      <ul>
        {Array.from({ length: shown }, (_, index) => (
          <li key={index} style={height === null ? undefined : { minHeight: height * rowHeight }} inert={isCanvas && index > 0}>
            <ItemContext value={`${path}[${index}]`}>
              <Slot parent={name} />
            </ItemContext>
          </li>
        ))}
      </ul>
      {shown < items.length && !isCanvas ? (
        <Button onClick={() => setCount(shown + size)}>
          {plural(items.length - shown, '{count} more', '{count} more')}
        </Button>
      ) : null}
    </div>
  )
}
