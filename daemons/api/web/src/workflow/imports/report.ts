/** What an import has made of each node: counted, grouped, and as a text to take along. */
import type { Import, ImportLevel, ImportNote } from '../../api/types'
import type { Tone } from '../../ui/Badge'

interface LevelText {
  level: ImportLevel
  title: string
  tone: Tone
  /** What it asks of whoever reads the report. */
  asks: string
}

/** The worst first: they are work. */
export const levels: readonly LevelText[] = [
  { level: 'missing', title: 'Missing', tone: 'red', asks: 'It is not there: do what the message says.' },
  { level: 'changed', title: 'Changed', tone: 'amber', asks: 'It does nearly the same: read where it differs.' },
  { level: 'translated', title: 'Translated', tone: 'green', asks: 'It does the same.' },
]

export type NoteGroup = LevelText & { notes: ImportNote[] }

/** Notes by level, the worst first. A level without notes is left out. */
export function groupsOf(report: readonly ImportNote[]): NoteGroup[] {
  return levels.map((text) => ({ ...text, notes: report.filter(({ level }) => level === text.level) })).filter(({ notes }) => notes.length > 0)
}

/** `12 translated · 3 changed · 2 missing`. */
export function countsText(report: readonly ImportNote[]): string {
  const counts = groupsOf(report).map(({ level, notes }) => `${notes.length.toLocaleString('en')} ${level}`)
  return counts.length > 0 ? counts.reverse().join(' · ') : 'Nothing to report'
}

export function nodeOf({ node }: ImportNote, whole = 'The whole workflow'): string {
  return node ?? whole
}

/** Where an import came from, and what all of it is. */
export interface Origin {
  from: string
  whole: string
}

export const n8n: Origin = { from: 'n8n', whole: 'The whole workflow' }

/** The report as a text that reads well in an editor and in a ticket. */
export function reportText({ name, report }: Pick<Import, 'name' | 'report'>, { from, whole }: Origin = n8n): string {
  const groups = groupsOf(report).map(({ title, asks, notes }) => {
    const lines = notes.map((note) => `- ${nodeOf(note, whole)}${note.block ? ` (${from === 'n8n' ? 'block ' : ''}${note.block})` : ''}: ${note.message}`)
    return [`${title} (${notes.length}). ${asks}`, ...lines].join('\n')
  })
  return `${[`Import from ${from}: ${name}\n${countsText(report)}`, ...groups].join('\n\n')}\n`
}

/** A message with what it has between backticks told apart. */
export function partsOf(message: string): { text: string; isCode: boolean }[] {
  const parts = message.split('`')
  // Without a partner a backtick is one of the text's own.
  if (parts.length % 2 === 0) return [{ text: message, isCode: false }]
  return parts.map((text, index) => ({ text, isCode: index % 2 === 1 })).filter(({ text }) => text !== '')
}
