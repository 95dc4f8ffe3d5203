/** Refuses a build that breaks a budget or that the content security policy would not run. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'

const dist = path.resolve(import.meta.dirname, '../dist')
/** @type {Record<string, {file: string, imports?: string[], css?: string[], isEntry?: boolean}>} */
const manifest = JSON.parse(readFileSync(path.join(dist, '.vite/manifest.json'), 'utf8'))
const size = (/** @type {string} */ file) => gzipSync(readFileSync(path.join(dist, file)), { level: 9 }).length

/** Scripts that are loaded before the chunk runs. */
function loadedWith(/** @type {string[]} */ chunks) {
  const files = new Set()
  const pending = [...chunks]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const chunk = manifest[at]
    if (!chunk || files.has(chunk.file)) continue
    files.add(chunk.file)
    pending.push(...(chunk.imports ?? []))
  }
  return [...files]
}

const budgets = [
  { name: 'hosted app', limitKb: 130, chunks: ['index.html', 'src/viewer/mount.tsx'] },
  { name: 'builder', limitKb: 180, chunks: ['index.html', 'src/studio/mount.tsx', 'src/builder/Builder.tsx'] },
]
let failures = 0
for (const { name, limitKb, chunks } of budgets) {
  const missing = chunks.filter((chunk) => !manifest[chunk])
  if (missing.length > 0) throw new Error(`the manifest has no ${missing.join(', ')}: a chunk was renamed`)
  const kb = loadedWith(chunks).reduce((sum, file) => sum + size(file), 0) / 1024
  const isOver = kb > limitKb
  if (isOver) failures += 1
  console.log(`${name}: ${kb.toFixed(1)} KB of ${limitKb} KB gzip${isOver ? ' - OVER BUDGET' : ''}`)
}

for (const file of ['index.html', 'evaluator.html', 'custom-component.html']) {
  const html = readFileSync(path.join(dist, file), 'utf8')
  if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/i.test(html)) {
    failures += 1
    console.log(`${file} holds an inline script, style or handler, which the content security policy refuses`)
  }
}
process.exitCode = failures > 0 ? 1 : 0
