import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The last build of the main line whose logs have the events of format 1, and no other: a real version N-1, of schema 2.
 *
 * The commits behind it are none: 680d3d7 logs rows that format 2 brought without asking for a format, and 0231ec2, on its
 * way to main, calls itself format 2 without knowing the event that says so. Nor does this one know that event: it meets
 * it as every build meets an event of a later one.
 */
const COMMIT = '66c7dd8558fc49b9af00cf83594846127383dc8b'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What a build is made of. Some commits also have a link to packages of a machine that is not this one. */
const PARTS = ['bin', 'lib', 'migrations', 'package.json', 'package-lock.json', 'tsconfig.json']

/** Why the previous build cannot be had here; undefined when it can. */
export function previousBuildIsMissing(): string | undefined {
  const { error, status, stderr } = spawnSync('git', ['cat-file', '-e', `${COMMIT}^{commit}`], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  if (status === 0) return
  const why = error === undefined ? stderr.trim().split('\n')[0] : 'git is not installed'
  return `the previous build is the commit ${COMMIT.slice(0, 7)}, which only a whole clone of the repository has (${why})`
}

/** Builds the previous build in an empty folder. Gives its command, as bin/boreal.mjs is that of this one. */
export function makePreviousBuild(into: string): string {
  // Its command finds out where it is by comparing paths, so they must have no links in them.
  const folder = realpathSync(into)
  const tree = run('git', ['archive', COMMIT, ...PARTS], ROOT)
  run('tar', ['-x'], folder, tree)
  // With other versions than ours it installs its own, as a clone of it would.
  if (ourPackagesFit(folder)) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'junction')
  run(process.execPath, [join(folder, 'bin', 'prepare.mjs')], folder)
  return join(folder, 'bin', 'boreal.mjs')
}

function ourPackagesFit(folder: string): boolean {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return Object.entries(dependencies).every(([name, version]) => {
    const installed = join(ROOT, 'node_modules', name, 'package.json')
    return existsSync(installed) && JSON.parse(readFileSync(installed, 'utf8')).version === version
  })
}

function run(command: string, args: string[], cwd: string, input: Uint8Array = new Uint8Array()): Buffer {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, input, maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? stderr}`)
  return stdout
}
