/** In which environment one is, in its colour, and a choice for those who may use several. Nothing where there is only the default one. */
import { Layers } from 'lucide-react'
import type { EnvironmentBadge as Environment } from '../api/types'
import { t } from '../messages/messages'
import { chooseEnvironment, chosenEnvironment } from './environment'
import './environment.css'

interface Props {
  environments: readonly Environment[]
  /** Before another one is opened, such as saving; false stays here. */
  before?: () => Promise<boolean>
}

export function EnvironmentChooser({ environments, before }: Props) {
  const usual = environments.find((one) => one.is_default)
  const chosen = chosenEnvironment() ?? usual?.name ?? ''
  const current = environments.find((one) => one.name === chosen)
  // One that is named in the address and may not be used here is shown all the same: it is where requests go, and are refused.
  const names = [...new Set([...environments.map((one) => one.name), chosen])]
  if (names.length < 2) return null
  const choose = async (name: string) => {
    if (before && !(await before())) return
    chooseEnvironment(name === usual?.name ? undefined : name)
  }
  return (
    <label className={`environment ${current?.is_default ? 'usual' : (current?.color ?? 'red')}`} title={t('The environment: which databases and secrets are used')}>
      <Layers className="icon" size={14} strokeWidth={1.5} aria-hidden />
      <span className="visually-hidden">{t('Environment')}</span>
      <select value={chosen} onChange={({ target }) => void choose(target.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

export function EnvironmentBadge({ environment }: { environment: Environment }) {
  return (
    <span className={`environment ${environment.is_default ? 'usual' : environment.color}`}>
      <Layers className="icon" size={14} strokeWidth={1.5} aria-hidden />
      {environment.name}
    </span>
  )
}
