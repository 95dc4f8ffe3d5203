/** The texts of the app: a row for each key, a column for each language. Undo takes back each step. */
import { Download, Plus } from 'lucide-react'
import { useDeferredValue, useMemo, useState } from 'react'
import { useStore } from 'zustand'
import type { AppDocument, Translations } from '../../api/types'
import type { DraftStore } from '../../document/draft-store'
import { keyProblem, languageProblem, namesIn } from '../../document/texts'
import { languageName } from '../../runtime/texts'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { CheckField, SelectField, TextField } from '../../ui/Field'
import { saveFile } from '../../ui/save-file'
import { ask } from '../../ui/ask'
import { CsvImport } from './CsvImport'
import { TextRow } from './TextRow'
import './texts.css'

/** Rows that are drawn at once; a search finds the others. */
const rowsAtOnce = 50

interface Props {
  store: DraftStore<AppDocument>
  /** The key that is shown first. */
  wanted?: string | undefined
  onClose: () => void
}

export function TextsDialog({ store, wanted = '', onClose }: Props) {
  const translations = useStore(store, ({ document }) => document.translations)
  return (
    <Dialog
      title="Texts"
      isWide
      onClose={onClose}
      footer={
        <>
          {translations ? <Files store={store} translations={translations} /> : null}
          <span className="grow" />
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      {translations ? <Texts store={store} translations={translations} wanted={wanted} /> : <Begin store={store} />}
    </Dialog>
  )
}

function Begin({ store }: { store: DraftStore<AppDocument> }) {
  const begin = (language: string) => store.edit((draft) => void (draft.translations = { default: language, languages: [language], texts: {} }))
  return (
    <>
      <p className="muted">
        An app that speaks several languages has its texts here. Components read one by <code>{'{{ t("orders.title") }}'}</code>, and one with a name in braces, such as <code>Hello, {'{name}'}</code>, by <code>{'{{ t("hello", { name: current_user.name }) }}'}</code>. Everybody reads the language of their browser, or the one that they choose in the app.
      </p>
      <LanguageAdder label="The first language" languages={[]} onAdd={begin} />
    </>
  )
}

function LanguageAdder({ label, languages, onAdd }: { label: string; languages: readonly string[]; onAdd: (language: string) => void }) {
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<string>()
  const add = () => {
    const language = typed.trim()
    const problem = languageProblem(language, languages)
    setError(problem)
    if (problem !== undefined) return
    onAdd(language)
    setTyped('')
  }
  return (
    <form
      className="texts-adder"
      onSubmit={(event) => {
        event.preventDefault()
        add()
      }}
    >
      <TextField
        label={label}
        className="mono"
        placeholder="en"
        maxLength={12}
        error={error}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value)
          setError(undefined)
        }}
      />
      <Button icon={Plus} onClick={add}>
        Add language
      </Button>
    </form>
  )
}

function Texts({ store, translations, wanted }: { store: DraftStore<AppDocument>; translations: Translations; wanted: string }) {
  const { languages, texts = {} } = translations
  const [sought, setSought] = useState(wanted)
  const [isOpen, setOpen] = useState(false)
  const [most, setMost] = useState(rowsAtOnce)
  const needle = useDeferredValue(sought.trim().toLowerCase())
  const found = useMemo(
    () =>
      Object.entries(texts)
        .filter(([key, byLanguage]) => (!isOpen || languages.some((language) => !byLanguage[language])) && `${key} ${Object.values(byLanguage).join(' ')}`.toLowerCase().includes(needle))
        .map(([key]) => key)
        .sort(),
    [texts, languages, isOpen, needle],
  )
  const open = Object.values(texts).reduce((sum, byLanguage) => sum + languages.filter((language) => !byLanguage[language]).length, 0)
  return (
    <>
      <LanguagesField store={store} translations={translations} />
      <div className="texts-find">
        <TextField label="Find a key or a text" type="search" value={sought} onChange={({ target }) => setSought(target.value)} />
        <CheckField label={open === 0 ? 'Only what is missing' : `Only what is missing (${open.toLocaleString('en')})`} checked={isOpen} onChange={({ target }) => setOpen(target.checked)} />
      </div>
      {found.length === 0 ? (
        <p className="muted">{Object.keys(texts).length === 0 ? 'No text yet. Add a key, or import a file.' : 'No text is like this.'}</p>
      ) : (
        <div className="texts-scroll" tabIndex={0} role="group" aria-label="Texts by key and language">
          <table className="texts">
            <thead>
              <tr>
                <th scope="col">Key</th>
                {languages.map((language) => (
                  <th key={language} scope="col">
                    {languageName(language)} <span className="muted mono">{language}</span>
                  </th>
                ))}
                <th>
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.slice(0, most).map((key) => (
                <TextRow key={key} name={key} texts={texts[key] ?? {}} translations={translations} store={store} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > most ? (
        <Button onClick={() => setMost(most + rowsAtOnce)}>
          Show more of {found.length.toLocaleString('en')}
        </Button>
      ) : null}
      <KeyAdder store={store} translations={translations} onAdded={setSought} />
    </>
  )
}

function LanguagesField({ store, translations: { default: usual, languages, texts = {} } }: { store: DraftStore<AppDocument>; translations: Translations }) {
  const remove = async (language: string) => {
    const count = Object.values(texts).filter((byLanguage) => byLanguage[language]).length
    const name = languageName(language)
    if (count > 0 && !(await ask({ title: `Remove ${name}?`, text: `Its ${count === 1 ? 'text goes' : `${count.toLocaleString('en')} texts go`} with it. Undo brings them back.`, confirm: 'Remove language', isDanger: true }))) return
    store.edit((draft) => {
      const { translations } = draft
      if (!translations) return
      translations.languages = translations.languages.filter((one) => one !== language)
      for (const byLanguage of Object.values(translations.texts ?? {})) delete byLanguage[language]
      const [first] = translations.languages
      if (first === undefined) delete draft.translations
      else if (translations.default === language) translations.default = first
    })
  }
  return (
    <div className="texts-languages">
      <SelectField label="Default language" hint="For whoever understands none of the others, and for texts that another one lacks." value={usual} options={languages.map((one) => [one, languageName(one)] as const)} onChange={({ target }) => store.edit((draft) => void (draft.translations && (draft.translations.default = target.value)))} />
      <div className="field">
        <span className="label">Languages</span>
        <ul className="row wrap">
          {languages.map((language) => (
            <li key={language}>
              <Button size="small" title={`Remove ${languageName(language)}`} aria-label={`Remove ${languageName(language)}`} onClick={() => void remove(language)}>
                {languageName(language)} ×
              </Button>
            </li>
          ))}
        </ul>
      </div>
      <LanguageAdder label="Another language" languages={languages} onAdd={(language) => store.edit((draft) => void draft.translations?.languages.push(language))} />
    </div>
  )
}

function KeyAdder({ store, translations, onAdded }: { store: DraftStore<AppDocument>; translations: Translations; onAdded: (key: string) => void }) {
  const [key, setKey] = useState('')
  const [text, setText] = useState('')
  const [error, setError] = useState<string>()
  const add = () => {
    const problem = keyProblem(key, translations)
    setError(problem)
    if (problem !== undefined) return
    store.edit((draft) => {
      if (draft.translations) draft.translations.texts = { ...draft.translations.texts, [key]: text === '' ? {} : { [draft.translations.default]: text } }
    })
    onAdded('')
    setKey('')
    setText('')
  }
  const names = namesIn(text)
  return (
    <form
      className="texts-adder"
      onSubmit={(event) => {
        event.preventDefault()
        add()
      }}
    >
      <TextField
        label="New key"
        className="mono"
        placeholder="orders.title"
        maxLength={80}
        error={error}
        value={key}
        onChange={({ target }) => {
          setKey(target.value)
          setError(undefined)
        }}
      />
      <TextField label={`Text in ${languageName(translations.default)}`} placeholder="Orders of {name}" maxLength={2000} hint={names.length > 0 ? `Read by t("${key || 'key'}", { ${names.join(', ')} }).` : undefined} value={text} onChange={({ target }) => setText(target.value)} />
      <Button icon={Plus} onClick={add}>
        Add text
      </Button>
    </form>
  )
}

function Files({ store, translations }: { store: DraftStore<AppDocument>; translations: Translations }) {
  const save = async () => {
    const { textsAsCsv } = await import('../../document/texts-csv')
    saveFile('texts.csv', textsAsCsv(translations), 'text/csv')
  }
  return (
    <>
      <Button icon={Download} onClick={() => void save()}>
        Export CSV
      </Button>
      <CsvImport store={store} />
    </>
  )
}
