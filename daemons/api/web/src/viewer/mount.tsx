/** The entry of hosted apps. */
import { createRoot } from 'react-dom/client'
import { Viewer } from './Viewer'

export function mountViewer(root: HTMLElement, slug: string): void {
  createRoot(root).render(<Viewer slug={slug} />)
}
