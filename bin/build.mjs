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
  'job-thread': 'lib/node/job-thread.ts',
  'writer-thread': 'lib/writer/writer-thread.ts',
}

/** The benchmark and the processes that it starts. Apart: it needs the packages of development. */
const BENCH_ENTRIES = {
  bench: 'test/bench/main.ts',
  'bench-delay-proxy': 'test/bench/processes/delay-proxy.ts',
  'bench-details-readers': 'test/bench/processes/details-readers.ts',
  'bench-image': 'test/bench/processes/image.ts',
  'bench-postgres-front': 'test/bench/processes/postgres-front.ts',
}

export async function build() {
  const { metafile } = await bundle(ENTRIES)
  await mkdir(join(root, 'dist'), { recursive: true })
  // What the build was made of, so that the launcher can tell whether it is stale.
  await writeFile(join(root, 'dist', 'inputs.json'), JSON.stringify(Object.keys(metafile.inputs)))
}

export async function buildBench() {
  await bundle(BENCH_ENTRIES)
}

async function bundle(entries) {
  const { build } = await import('esbuild')
  return build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([out, source]) => ({ in: source, out })),
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
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await build()
