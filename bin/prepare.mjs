// Makes a fresh clone ready: installs dependencies when they are missing and builds when the build is stale.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Installs what is missing or of another version than the project's; `dev` also wants the tools of the tests. */
export function installMissing({ dev = false } = {}) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = Object.entries(dev ? { ...dependencies, ...devDependencies } : dependencies)
  const missing = wanted.filter(([name, version]) => installedVersion(name) !== version)
  if (missing.length === 0) return
  console.error(`boreal: installing ${missing.length} missing packages with npm ci (once) ...`)
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(dev ? [] : ['--omit=dev'])]
  const { status } = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (status !== 0) {
    console.error('boreal: npm ci failed; its messages are above. Is the network or a registry mirror reachable?')
    process.exit(1)
  }
}

function installedVersion(name) {
  const file = join(root, 'node_modules', name, 'package.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}

/** Builds when a source is newer than the build. */
export async function buildIfStale() {
  if (!isStale()) return
  const { build } = await import('./build.mjs')
  await build()
}

function isStale() {
  const stamp = join(root, 'dist', 'inputs.json')
  if (!existsSync(stamp)) return true
  const built = statSync(stamp).mtimeMs
  const inputs = ['bin/build.mjs', 'package.json', ...JSON.parse(readFileSync(stamp, 'utf8'))]
  return inputs.some((input) => {
    const file = statSync(join(root, input), { throwIfNoEntry: false })
    return file === undefined || file.mtimeMs > built
  })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  installMissing({ dev: process.argv.includes('--dev') })
  await buildIfStale()
}
