import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The peers as they are found on this machine: by an environment variable, or on the path. */
export interface Peers {
  rqlite?: Peer
  /** `path` is the folder of its programs. */
  postgres?: Peer
  /** `path` is the jar. */
  h2?: Peer
  /** What is not there, and how to bring it. */
  missing: string[]
}

export interface Peer {
  path: string
  version: string
}

const DEBIAN_POSTGRES = '/usr/lib/postgresql'

export function findPeers(env: NodeJS.ProcessEnv = process.env): Peers {
  const peers: Peers = { missing: [] }
  const rqlited = env.RQLITED ?? onPath('rqlited', env)
  const rqliteVersion = rqlited === undefined ? undefined : versionOf(rqlited, ['-version'])
  if (rqliteVersion !== undefined) peers.rqlite = { path: rqlited!, version: rqliteVersion }
  else peers.missing.push('rqlite: put rqlited on the path, or name it in RQLITED')

  const postgres = findPostgres(env)
  if (typeof postgres !== 'string') peers.postgres = postgres
  else peers.missing.push(`PostgreSQL: ${postgres}, or name the folder of its programs in POSTGRES_BIN`)

  const java = versionOf('java', ['-version'])
  const jar = env.H2_JAR
  if (java !== undefined && jar !== undefined && existsSync(jar)) {
    peers.h2 = { path: jar, version: `${/([^/\\]+)\.jar$/.exec(jar)?.[1] ?? 'H2'}, ${java}` }
  } else peers.missing.push('H2: name its jar in H2_JAR, and have java on the path')
  return peers
}

/** PostgreSQL, or why there is none that will do. */
export function findPostgres(env: NodeJS.ProcessEnv = process.env): Peer | string {
  const path = postgresFolder(env)
  const version = path === undefined ? undefined : versionOf(join(path, 'postgres'), ['--version'])
  if (path === undefined || version === undefined) return 'put postgres 15 or newer on the path'
  return Number(/\d+/.exec(version)?.[0]) >= 15 ? { path, version } : `${version} is too old`
}

/** On the path with initdb beside it, or where Debian keeps it. */
function postgresFolder(env: NodeJS.ProcessEnv): string | undefined {
  if (env.POSTGRES_BIN !== undefined) return env.POSTGRES_BIN
  const found = onPath('initdb', env)
  if (found !== undefined && onPath('postgres', env) === found.replace(/initdb$/, 'postgres')) {
    return found.slice(0, -'/initdb'.length)
  }
  if (!existsSync(DEBIAN_POSTGRES)) return undefined
  const newest = readdirSync(DEBIAN_POSTGRES).sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? undefined : join(DEBIAN_POSTGRES, newest, 'bin')
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
}

/** The first line that it says, on either output. */
function versionOf(command: string, args: string[]): string | undefined {
  try {
    const output = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], { encoding: 'utf8' })
    return output.split('\n')[0]!.trim()
  } catch {
    return undefined
  }
}
