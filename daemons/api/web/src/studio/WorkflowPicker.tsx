/** Chooses any number of workflows. */
import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { CheckField } from '../ui/Field'
import { ErrorNotice, SkeletonRows } from '../ui/states'
import { workflowsQuery } from './lists'

/** From so many workflows on, a search field stands above them. */
const searchFrom = 8

export function WorkflowPicker({ chosen, onChange }: { chosen: string[]; onChange: (slugs: string[]) => void }) {
  const id = useId()
  const workflows = useQuery(workflowsQuery)
  const [text, setText] = useState('')
  const all = workflows.data ?? []
  const wanted = text.trim().toLowerCase()
  const found = all.filter(({ title, slug }) => title.toLowerCase().includes(wanted) || slug.includes(wanted))
  return (
    <fieldset className="picker" aria-describedby={`${id}-hint`}>
      <legend className="label">Workflows that may use it</legend>
      {workflows.isPending ? (
        <SkeletonRows count={3} />
      ) : workflows.isError ? (
        <ErrorNotice error={workflows.error} />
      ) : (
        <>
          {all.length >= searchFrom ? <input className="input" aria-label="Search workflows" placeholder={`Search ${all.length} workflows`} value={text} onChange={(event) => setText(event.target.value)} /> : null}
          <div className="picker-list">
            {found.map(({ slug, title }) => (
              <CheckField key={slug} label={title} checked={chosen.includes(slug)} onChange={(event) => onChange(event.target.checked ? [...chosen, slug] : chosen.filter((other) => other !== slug))} />
            ))}
            {found.length === 0 ? <p className="muted">{all.length === 0 ? 'There is no workflow yet. Grants can be given later.' : 'No workflow has this name.'}</p> : null}
          </div>
        </>
      )}
      <p className="hint" id={`${id}-hint`}>
        Whoever may edit one of them can read the value by code.
      </p>
    </fieldset>
  )
}
