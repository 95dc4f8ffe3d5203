/** What folders are called. */

/** The name of a folder itself, without those around it. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
