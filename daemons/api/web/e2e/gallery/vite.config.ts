import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { sandbox } from '../../tooling/sandbox.ts'

export default defineConfig({
  root: import.meta.dirname,
  publicDir: '../../public',
  plugins: [react(), sandbox()],
  build: { target: 'es2023', cssTarget: ['chrome123', 'firefox128', 'safari17.5'], assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})
