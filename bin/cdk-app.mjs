// What `cdk` runs (see cdk.json): bundles the functions if they are stale, then synthesizes the app.
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BUNDLE, bundleIfStale } from './bundle.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

await bundleIfStale()
const outfile = join(root, 'dist', 'cdk', 'app.js')
const { build } = await import('esbuild')
await build({
  absWorkingDir: root,
  entryPoints: ['cdk/app.ts'],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  logLevel: 'warning',
})
const { borealApp } = await import(pathToFileURL(outfile).href)
borealApp(BUNDLE).app.synth()
