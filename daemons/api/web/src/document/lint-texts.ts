/** What is likely a mistake in an app's texts: keys that nobody has, that nobody reads, or that a language lacks. */
import type { AppDocument } from '../api/types'
import { titleKey } from '../runtime/texts'
import type { Finding } from './lint'
import { placesOf } from './places'
import { callsIn, namesIn } from './texts'

export function lintTexts(document: AppDocument): Finding[] {
  // A module reads the texts of the app that it stands in.
  if (document.module) return []
  const { translations } = document
  const texts = translations?.texts ?? {}
  const findings: Finding[] = []
  const used = new Set<string>()
  let isAnyUsed = false
  for (const place of placesOf(document)) {
    const { owner, at } = place
    if (owner.kind === 'page' && at === 'title' && titleKey(place.text) === undefined) findings.push({ owner, at, message: 'The title of a page is plain, or one text: {{ t("key") }}.', tone: 'error' })
    for (const { key, values } of callsIn(place)) {
      // A key that is put together may be any.
      if (key === undefined) isAnyUsed = true
      else if (!Object.hasOwn(texts, key)) findings.push({ owner, at, message: `There is no text ${key}.`, tone: 'error' })
      else {
        used.add(key)
        const wanted = [...new Set(Object.values(texts[key] ?? {}).flatMap(namesIn))]
        const missing = values === undefined ? [] : wanted.filter((name) => !values.includes(name))
        if (missing.length > 0) findings.push({ owner, at, message: `The text ${key} says {${missing.join('}, {')}}, which is not given: t("${key}", { ${missing.join(', ')} }).`, tone: 'warning' })
      }
    }
  }
  for (const [key, byLanguage] of Object.entries(texts)) {
    const find = (message: string) => findings.push({ owner: { kind: 'text', name: key }, at: '', message, tone: 'warning' })
    if (!used.has(key) && !isAnyUsed) find(`Nothing uses the text ${key}.`)
    const missing = translations?.languages.filter((language) => !byLanguage[language]) ?? []
    if (missing.length > 0) find(`It has no text in ${missing.join(', ')}.`)
    const usual = byLanguage[translations?.default ?? '']
    const others = usual ? Object.entries(byLanguage).filter(([, text]) => text && namesIn(text).join() !== namesIn(usual).join()) : []
    if (others.length > 0) find(`Its names in braces are others in ${others.map(([language]) => language).join(', ')}.`)
  }
  return findings
}
