/** Two applications share this document: hosted apps, which stay small, and the studio. Each is loaded alone. */
import './ui/base.css'
import './ui/controls.css'
import { applyTheme } from './ui/theme'

applyTheme()
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
const hosted = /^\/apps\/([a-z0-9-]+)\/?$/.exec(location.pathname)?.[1]
if (hosted) {
  const { mountViewer } = await import('./viewer/mount')
  mountViewer(root, hosted)
} else {
  const { mountStudio } = await import('./studio/mount')
  mountStudio(root)
}
