/** The texts of an app as a CSV file for whoever translates: a line for each key, a column for each language. */
import type { Translations } from '../api/types'
import { CsvError, parseCsv } from '../generate/csv'
import { csvFile } from '../runtime/csv'
import { keyProblem, languageProblem, longestText } from './texts'

const keyColumn = 'key'

export function textsAsCsv({ languages, texts = {} }: Translations): string {
  const keys = Object.keys(texts).sort()
  return csvFile([[keyColumn, ...languages], ...keys.map((key) => [key, ...languages.map((language) => texts[key]?.[language] ?? '')])])
}

export interface TextsRead {
  translations: Translations
  added: number
  changed: number
  /** Languages that the app did not have. */
  languages: string[]
  /** Lines that were left out, each with the reason. */
  rejected: string[]
}

/** The texts with those of a file. A cell that is empty changes nothing, and no key is removed. */
export function withCsv(translations: Translations, file: string): TextsRead {
  const { header, rows, lines, rejected } = parseCsv(file)
  const [first, ...given] = header.map((cell) => cell.trim())
  if (first?.trim().toLowerCase() !== keyColumn) throw new CsvError('The first column must be called key, and the others by their languages: key, en, de.')
  const languages = [...translations.languages]
  if (new Set(given).size < given.length) throw new CsvError('Two columns have the same language.')
  for (const language of given) {
    if (languages.includes(language)) continue
    const problem = languageProblem(language, languages)
    if (problem) throw new CsvError(`The column ${language}: ${problem}`)
    languages.push(language)
  }
  const texts = Object.fromEntries(Object.entries(translations.texts ?? {}).map(([key, byLanguage]) => [key, { ...byLanguage }]))
  const read: TextsRead = { translations: { ...translations, languages, texts }, added: 0, changed: 0, languages: languages.slice(translations.languages.length), rejected: rejected.map(({ line, reason }) => `Line ${line}: ${reason}.`) }
  rows.forEach(([key = '', ...cells], index) => {
    const problem = Object.hasOwn(texts, key) ? undefined : keyProblem(key, undefined)
    const tooLong = cells.findIndex((cell) => [...cell].length > longestText)
    if (problem !== undefined || tooLong >= 0) {
      read.rejected.push(`Line ${lines[index]}: ${problem ?? `the text in ${given[tooLong]} is longer than ${longestText} characters.`}`)
      return
    }
    const before = texts[key]
    const next = { ...before }
    given.forEach((language, at) => {
      const text = plain(cells[at] ?? '')
      if (text !== '') next[language] = text
    })
    if (!before) read.added += 1
    else if (JSON.stringify(before) !== JSON.stringify(next)) read.changed += 1
    texts[key] = next
  })
  return read
}

/** What was put before a text so that no spreadsheet runs it. */
function plain(cell: string): string {
  return /^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell
}
