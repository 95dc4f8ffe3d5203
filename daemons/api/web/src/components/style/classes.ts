/** Classes that people give to components, for the app's style sheet to find them. */

/** The classes of a component as they are in the page: no class of the product is among them. */
export function ownClasses(text: string): string {
  return text
    .split(/\s+/)
    .filter((name) => /^[A-Za-z][\w-]{0,62}$/.test(name))
    .map((name) => `own-${name}`)
    .join(' ')
}
