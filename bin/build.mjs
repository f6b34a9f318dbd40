// Builds dist/ with esbuild: one file per entry, dependencies left in node_modules. Takes a fraction of a second.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Every file that a process or a thread starts from. */
const ENTRIES = {
  cli: 'lib/cli/main.ts',
  index: 'lib/index.ts',
  'engine-thread': 'lib/store/engine-thread.ts',
  'table-thread': 'lib/log/table-thread.ts',
}

export async function build() {
  const { build: bundle } = await import('esbuild')
  const { metafile } = await bundle({
    absWorkingDir: root,
    entryPoints: Object.entries(ENTRIES).map(([out, source]) => ({ in: source, out })),
    outdir: 'dist',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'warning',
  })
  await mkdir(join(root, 'dist'), { recursive: true })
  // What the build was made of, so that the launcher can tell whether it is stale.
  await writeFile(join(root, 'dist', 'inputs.json'), JSON.stringify(Object.keys(metafile.inputs)))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build()
