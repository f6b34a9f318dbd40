// Builds dist/ with esbuild: one file per entry, with the dependencies that it uses, because to find hundreds of files takes
// half of the time that a command needs to start. Takes a second.
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

/** Left in node_modules: what has files of its own or native code, and what only a build needs. */
const EXTERNAL = ['@electric-sql/pglite', 'classic-level', 'dynalite', 'esbuild']

/** Packages of CommonJS call `require`, which a module does not have. */
export const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

export async function build() {
  const { metafile } = await bundle(ENTRIES)
  await mkdir(join(root, 'dist'), { recursive: true })
  // What the build was made of, so that the launcher can tell whether it is stale. Packages change with their list.
  const sources = Object.keys(metafile.inputs).filter((input) => !input.startsWith('node_modules/'))
  await writeFile(join(root, 'dist', 'inputs.json'), JSON.stringify(['package-lock.json', ...sources]))
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
    external: EXTERNAL,
    // Of packages that have both: modules are smaller when only a part of them is used.
    mainFields: ['module', 'main'],
    banner: { js: REQUIRE },
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: 'linked',
    metafile: true,
    logLevel: 'warning',
  })
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await build()
