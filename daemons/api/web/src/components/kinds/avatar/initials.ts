/** What stands for a person without a picture. */

/** The first letters of the first and last word. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s.@_-]+/).filter((word) => /\p{L}|\p{N}/u.test(word))
  const first = (word: string | undefined) => [...(word ?? '')].find((character) => /\p{L}|\p{N}/u.test(character)) ?? ''
  return `${first(words[0])}${words.length > 1 ? first(words.at(-1)) : ''}`.toLocaleUpperCase()
}

/** One of the colours, always the same one for a name. */
export function hueOf(name: string): number {
  let sum = 0
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return (sum % 8) + 1
}
