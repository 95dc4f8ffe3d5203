/** In which of its languages the app speaks; whoever chooses one keeps it in this browser. */
import { Languages } from 'lucide-react'
import type { AppRuntime } from '../runtime/runtime'
import { keepLanguage, languagesFor } from '../runtime/languages'
import { languageName } from '../runtime/texts'
import { t } from '../messages/messages'
import '../ui/environment.css'

interface Props {
  slug: string
  runtime: AppRuntime
  languages: readonly string[]
  language: string
  onChosen: () => void
}

export function LanguageChooser({ slug, runtime, languages, language, onChosen }: Props) {
  const choose = (next: string) => {
    keepLanguage(slug, next)
    runtime.setLanguages([next, ...languagesFor(slug)])
    onChosen()
  }
  return (
    <label className="environment usual" title={t('Language')}>
      <Languages className="icon" size={14} strokeWidth={1.5} aria-hidden />
      <span className="visually-hidden">{t('Language')}</span>
      <select value={language} onChange={({ target }) => choose(target.value)}>
        {languages.map((one) => (
          <option key={one} value={one} lang={one}>
            {languageName(one)}
          </option>
        ))}
      </select>
    </label>
  )
}
