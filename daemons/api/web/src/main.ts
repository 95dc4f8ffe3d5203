/** Two applications share this document: hosted apps, which stay small, and the studio. Each is loaded alone. */
import './ui/base.css'
import './ui/controls.css'
import { loadMessages } from './messages/messages'
import { followTheme } from './ui/theme'

followTheme()
const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element #root')
const [, hosted, below] = /^\/apps\/([a-z0-9-]+)(?:\/([^?#]*))?$/.exec(location.pathname) ?? []
if (hosted && below?.split('/')[0] !== 'edit') {
  const [{ mountViewer }] = await Promise.all([import('./viewer/mount'), loadMessages()])
  mountViewer(root, hosted)
} else {
  const [{ mountStudio }] = await Promise.all([import('./studio/mount'), loadMessages()])
  mountStudio(root)
}
