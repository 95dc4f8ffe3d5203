import path from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { sandbox } from '../../tooling/sandbox.ts'

/** The gallery, and beside it the UI itself. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, '../..'),
  plugins: [react(), sandbox()],
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['index.html', 'e2e/gallery/index.html'] },
  },
})
