/** Puts the style sheet of an app into the page. It arrives with the first app that has one. */
import { scopedStyle } from './scoped'

/** What is wrong with it leaves the app as it is without; returns what takes it out again. */
export function applyStyle(text: string): () => void {
  const made = scopedStyle(text)
  if (!('css' in made)) return () => undefined
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(made.css)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet)
  }
}
