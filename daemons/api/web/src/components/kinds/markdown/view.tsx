/** Text with headings, lists, links and tables. It makes elements of its own: HTML in the text stays text. */
import { type ReactNode, useMemo } from 'react'
import { textOf } from '../../../runtime/values'
import { safeHref } from '../../href'
import '../../display.css'
import { type ViewProps, useProperty } from '../../runtime-context'
import { type Block, type Inline, parseMarkdown } from './parse'

export function View({ name }: ViewProps) {
  const value = textOf(useProperty(name, 'value'))
  const blocks = useMemo(() => parseMarkdown(value), [value])
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, and the keyboard must reach it
    <div className="app-markdown" role="region" tabIndex={0} aria-label={name}>
      {blocks.map(blockOf)}
    </div>
  )
}

function blockOf(block: Block, key: number): ReactNode {
  switch (block.kind) {
    case 'heading': {
      // The page's own title is the only heading of the first level.
      const Heading = block.level === 1 ? 'h2' : block.level === 2 ? 'h3' : 'h4'
      return <Heading key={key}>{block.children.map(inlineOf)}</Heading>
    }
    case 'paragraph':
      return <p key={key}>{block.children.map(inlineOf)}</p>
    case 'code':
      return <pre key={key}>{block.text}</pre>
    case 'quote':
      return <blockquote key={key}>{block.blocks.map(blockOf)}</blockquote>
    case 'rule':
      return <hr key={key} />
    case 'list': {
      const items = block.items.map((item, index) => <li key={index}>{item.map((part, at) => (part.kind === 'paragraph' && item.length === 1 ? part.children.map(inlineOf) : blockOf(part, at)))}</li>)
      return block.isOrdered ? (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      )
    }
    case 'table':
      return (
        <table key={key}>
          <thead>
            <tr>
              {block.head.map((cell, index) => (
                <th key={index}>{cell.map(inlineOf)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, index) => (
              <tr key={index}>
                {row.map((cell, at) => (
                  <td key={at}>{cell.map(inlineOf)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )
  }
}

function inlineOf(part: Inline, key: number): ReactNode {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'code':
      return <code key={key}>{part.text}</code>
    case 'break':
      return <br key={key} />
    case 'link': {
      const href = safeHref(part.href)
      const children = part.children.map(inlineOf)
      return href === undefined ? (
        <span key={key}>{children}</span>
      ) : (
        <a key={key} href={href} rel="noopener noreferrer">
          {children}
        </a>
      )
    }
    default: {
      const Mark = part.kind
      return <Mark key={key}>{part.children.map(inlineOf)}</Mark>
    }
  }
}
