import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { sandbox } from './tooling/sandbox.ts'

// `npm run dev` passes API calls on to a running `cargo xtask dev`.
const api = { target: 'http://127.0.0.1:8080', changeOrigin: false }

export default defineConfig({
  plugins: [react(), sandbox()],
  build: {
    target: 'es2023',
    // light-dark() and nesting, as browsers since early 2024 have them.
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    manifest: true,
    // An asset as a data: address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    // The preload polyfill is an inline module.
    modulePreload: { polyfill: false },
    rolldownOptions: { input: 'index.html' },
  },
  server: { proxy: { '/api': api, '/hooks': api } },
  test: { include: ['tests/**/*.test.ts'] },
})
