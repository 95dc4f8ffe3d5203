/** What stands in a cell, by the type of its column. Nothing in it takes the focus by Tab: the grid leads to it. */
import { Check, ExternalLink, Minus } from 'lucide-react'
import { Badge } from '../../../ui/Badge'
import { textOf } from '../../../runtime/values'
import { isElsewhere, safeHref, shownImage } from '../../href'
import { toneOf } from '../../tone'
import { t } from '../../../messages/messages'
import { cellText, tagsOf } from './cell-text'
import type { Column } from './columns'

interface Props {
  column: Column
  value: unknown
  onAct: () => void
}

export function Cell({ column, value, onAct }: Props) {
  const text = cellText(value, column)
  if (column.type === 'button') {
    return (
      <button
        type="button"
        tabIndex={-1}
        className="button small"
        onClick={(event) => {
          event.stopPropagation()
          onAct()
        }}
      >
        {text}
      </button>
    )
  }
  if (text === '') return <span className="none">–</span>
  switch (column.type) {
    case 'boolean': {
      const isOn = text === 'Yes'
      return (
        <>
          {isOn ? <Check className="icon on" strokeWidth={2} aria-hidden /> : <Minus className="icon none" strokeWidth={1.5} aria-hidden />}
          <span className="visually-hidden">{text}</span>
        </>
      )
    }
    case 'tag':
      return (
        <span className="table-tags" title={text}>
          {tagsOf(value).map((tag, index) => (
            <Badge key={index} tone={toneOf(column.tones[tag] ?? '', 'neutral')}>
              {tag}
            </Badge>
          ))}
        </span>
      )
    case 'link': {
      const href = safeHref(textOf(value))
      if (!href) return <span title={text}>{text}</span>
      const leaves = isElsewhere(href, location.origin)
      return (
        <a tabIndex={-1} href={href} title={textOf(value)} onClick={(event) => event.stopPropagation()} {...(leaves ? { target: '_blank', rel: 'noreferrer' } : {})}>
          <span className="truncate">{text}</span>
          {leaves ? <ExternalLink className="icon" size={12} strokeWidth={1.5} aria-label={t('opens elsewhere')} /> : null}
        </a>
      )
    }
    case 'image': {
      const source = shownImage(textOf(value), location.origin)
      return source ? <img src={source} alt={column.label} loading="lazy" /> : <span title={text}>{text}</span>
    }
    default:
      return (
        <span className={column.type === 'json' ? 'mono' : undefined} title={text}>
          {text}
        </span>
      )
  }
}
