/** The environment that a workflow is tried or started in. It is kept as long as the page is open. */
import { useState } from 'react'
import { EnvironmentField } from '../studio/EnvironmentField'

const chosen = new Map<string, string | null>()

export function useEnvironment(slug: string) {
  const [environment, setEnvironment] = useState(() => chosen.get(slug) ?? null)
  const choose = (next: string | null) => {
    chosen.set(slug, next)
    setEnvironment(next)
  }
  return {
    given: environment === null ? {} : { environment },
    field: <EnvironmentField label="Environment" value={environment} onChange={choose} />,
  }
}
