/** Ctrl/Cmd-K: goes to anything by its name. */
import { useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { type KeyboardEvent, useId, useState } from 'react'
import { Dialog } from '../ui/Dialog'
import { message, t } from '../messages/messages'
import { appsQuery, workflowsQuery } from './lists'

const pages = [message('Home'), message('Apps'), message('Workflows'), message('Resources'), message('Runs')].map((text) => ({ text, to: text === 'Home' ? '/' : `/${text.toLowerCase()}` }))

export function Palette({ onClose }: { onClose: () => void }) {
  const router = useRouter()
  const id = useId()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const apps = useQuery(appsQuery).data ?? []
  const workflows = useQuery(workflowsQuery).data ?? []
  const items = [
    ...apps.map(({ slug, title, is_module }) => (is_module ? { text: title, kind: t('Module'), to: `/apps/${slug}/edit` } : { text: title, kind: t('App'), to: `/apps/${slug}` })),
    ...workflows.map(({ slug, title }) => ({ text: title, kind: t('Workflow'), to: `/workflows/${slug}` })),
    ...pages.map(({ text: name, to }) => ({ text: t(name), kind: t('Page'), to })),
  ].filter((item) => item.text.toLowerCase().includes(text.trim().toLowerCase()))
  const open = (to: string) => {
    onClose()
    // A hosted app is a document of its own.
    if (/^\/apps\/[^/]+$/.test(to)) location.assign(to)
    else router.history.push(to)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setAt((now) => (now + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % Math.max(1, items.length))
    } else if (event.key === 'Enter') {
      const item = items[at]
      if (item) open(item.to)
    }
  }
  return (
    <Dialog title={t('Go to')} onClose={onClose}>
      <input
        className="input"
        role="combobox"
        aria-label={t('Name of an app, workflow or page')}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={items[at] ? `${id}-${at}` : undefined}
        placeholder={t('An app, a workflow, a page')}
        value={text}
        autoFocus
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ul className="palette-list" id={id} role="listbox" aria-label={t('Found')}>
        {items.slice(0, 50).map((item, index) => (
          <li key={`${item.kind} ${item.to}`} id={`${id}-${index}`} role="option" aria-selected={index === at} className="palette-item" onPointerMove={() => setAt(index)} onClick={() => open(item.to)}>
            <span className="truncate">{item.text}</span>
            <span className="muted">{item.kind}</span>
          </li>
        ))}
      </ul>
      {items.length === 0 ? <p className="muted">{t('Nothing has this name.')}</p> : null}
    </Dialog>
  )
}
