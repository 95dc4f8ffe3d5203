/** One key and its text in each language. */
import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { AppDocument, Translations } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { keyProblem, longestText, namesIn, renameText } from '../../document/texts'
import { languageName } from '../../runtime/texts'
import { Button } from '../../ui/Button'

interface Props {
  name: string
  texts: Record<string, string>
  translations: Translations
  store: DraftStore<AppDocument>
}

export function TextRow({ name, texts, translations, store }: Props) {
  const [typed, setTyped] = useState(name)
  const [error, setError] = useState<string>()
  const rename = () => {
    if (typed === name) return setError(undefined)
    const problem = keyProblem(typed, translations)
    setError(problem)
    if (problem === undefined) store.edit((draft) => renameText(draft, name, typed))
  }
  const change = (language: string, text: string) =>
    store.edit((draft) => {
      const own = draft.translations?.texts?.[name]
      if (!own) return
      if (text === '') delete own[language]
      else own[language] = text
    }, `text ${name} ${language}`)
  const usual = namesIn(texts[translations.default] ?? '').join()
  return (
    <tr>
      <td>
        <input
          className="input mono"
          aria-label={`Key ${name}`}
          aria-invalid={error ? true : undefined}
          title={error}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
          onBlur={rename}
          onKeyDown={({ key }) => key === 'Enter' && rename()}
        />
        {error ? <p className="error">{error}</p> : null}
      </td>
      {translations.languages.map((language) => {
        const text = texts[language] ?? ''
        const differs = text !== '' && texts[translations.default] && namesIn(text).join() !== usual
        return (
          <td key={language}>
            <textarea
              className={text === '' ? 'input is-missing' : 'input'}
              rows={1}
              lang={language}
              maxLength={longestText}
              aria-label={`${name} in ${languageName(language)}`}
              placeholder={text === '' && language !== translations.default ? texts[translations.default] : undefined}
              value={text}
              onChange={({ target }) => change(language, target.value)}
            />
            {differs ? <p className="error">Its names in braces are others than in {languageName(translations.default)}.</p> : null}
          </td>
        )
      })}
      <td>
        <Button variant="ghost" size="small" icon={Trash2} label={`Remove ${name}`} onClick={() => store.edit((draft) => void delete draft.translations?.texts?.[name])} />
      </td>
    </tr>
  )
}
