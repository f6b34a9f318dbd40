// Builds dist/functions/: one folder with everything that the functions and the container need, node_modules aside. Each
// entry of functions/ is a file of it; beside them are the threads, PGlite, the migrations and a base image.
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { REQUIRE } from './build.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where the bundle is, unless another folder is named. */
export const BUNDLE = join(root, 'dist', 'functions')

/** What threads start from: found beside the module that starts them. The table of the embedded profile stays out. */
const THREADS = {
  'engine-thread': 'lib/store/engine-thread.ts',
  'job-thread': 'lib/node/job-thread.ts',
  'writer-thread': 'lib/writer/writer-thread.ts',
}

/** Files of functions/ that an environment starts from. */
const FUNCTIONS = ['api', 'snapshot', 'backup', 'verify', 'archive', 'trim', 'sweep', 'leader']

/** PGlite's own files, which it looks for beside its module. */
const PGLITE_FILES = ['pglite.wasm', 'pglite.data', 'initdb.wasm']

const esbuildOptions = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: { js: REQUIRE },
  logLevel: 'warning',
}

/** Builds the bundle, anew. Some seconds: it makes the base image, so that no cold start has to. */
export async function bundleFunctions(folder = BUNDLE) {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  // The names of modules end in .js: threads are looked for under these names.
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n')
  const { metafile } = await bundleSources(folder)
  await bundlePglite(join(folder, 'node_modules', '@electric-sql', 'pglite'))
  await cp(join(root, 'migrations'), join(folder, 'migrations'), { recursive: true })
  // The image of the container is made of the bundle.
  await cp(join(root, 'Dockerfile'), join(folder, 'Dockerfile'))
  await makeBaseImage(folder)
  await writeFile(stampOf(folder), JSON.stringify(Object.keys(metafile.inputs)))
}

/** Builds the bundle when a source is newer than it. */
export async function bundleIfStale(folder = BUNDLE) {
  if (await isStale(folder)) await bundleFunctions(folder)
}

/** What the bundle was made of; beside it, because what is in it is uploaded. */
const stampOf = (folder) => `${folder}.inputs.json`

async function isStale(folder) {
  const stamp = stampOf(folder)
  const built = await stat(stamp).catch(() => undefined)
  if (built === undefined) return true
  const migrations = (await filesBelow(join(root, 'migrations'))).map((file) => join('migrations', file))
  const inputs = [
    'bin/bundle.mjs',
    'Dockerfile',
    'package-lock.json',
    ...migrations,
    ...JSON.parse(await readFile(stamp, 'utf8')),
  ]
  for (const input of inputs) {
    const file = await stat(join(root, input)).catch(() => undefined)
    if (file === undefined || file.mtimeMs > built.mtimeMs) return true
  }
  return false
}

async function bundleSources(folder) {
  const { build } = await import('esbuild')
  const functions = Object.fromEntries(FUNCTIONS.map((name) => [name, `functions/${name}.ts`]))
  return build({
    ...esbuildOptions,
    entryPoints: Object.entries({ ...functions, ...THREADS, 'base-image': 'lib/store/base-image.ts' }).map(
      ([out, source]) => ({ in: source, out }),
    ),
    outdir: folder,
    splitting: true,
    metafile: true,
    external: ['@electric-sql/pglite'],
  })
}

/** PGlite stays a package of its own, because its files are found by its name; of its 20 MB some are needed. */
async function bundlePglite(folder) {
  const { build } = await import('esbuild')
  const dist = dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite/pglite.wasm'))
  const { name, version } = JSON.parse(await readFile(join(dist, '..', 'package.json'), 'utf8'))
  await build({ ...esbuildOptions, entryPoints: [join(dist, 'index.js')], outfile: join(folder, 'dist', 'index.js') })
  for (const file of PGLITE_FILES) await cp(join(dist, file), join(folder, 'dist', file))
  const exports = { '.': './dist/index.js', './pglite.wasm': './dist/pglite.wasm' }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, version, type: 'module', exports }))
}

/** With the bundle's own code, so that it is the image which this code looks for. */
async function makeBaseImage(folder) {
  const { loadBaseImage } = await import(pathToFileURL(join(folder, 'base-image.js')).href)
  await loadBaseImage({ cacheDir: join(folder, 'base') })
}

/** Files below a folder, their paths from there. */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
    .sort()
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const startedAt = Date.now()
  await bundleFunctions()
  const { bundleSize } = await import('./bundle-size.mjs')
  const { files, bytes, zipped } = await bundleSize(BUNDLE)
  const mb = (n) => (n / 1024 / 1024).toFixed(1)
  console.log(`${BUNDLE}: ${files} files, ${mb(bytes)} MB, zipped ${mb(zipped)} MB, in ${Date.now() - startedAt} ms`)
}
