import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { freePort, ServerProcess } from './process.ts'
import { TASK_SCHEMA } from './task-schema.ts'

/** Connections to the database; more of them make it slower on a small machine. */
export const POSTGRES_CONNECTIONS = 64

/** What a server with some memory would be given; everything that makes it durable is as it comes. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  max_connections: POSTGRES_CONNECTIONS + 16,
  listen_addresses: '127.0.0.1',
}

/** PostgreSQL itself, from the folder of its programs, on a folder of its own. */
export class PostgresServer {
  readonly port: number
  readonly #process: ServerProcess

  private constructor(process: ServerProcess, port: number) {
    this.#process = process
    this.port = port
  }

  static async start(programs: string, folder: string, schema = TASK_SCHEMA): Promise<PostgresServer> {
    const user = otherUser()
    const data = join(folder, 'pg')
    const options = { ...user, cwd: '/' }
    if (!existsSync(data)) {
      if ('uid' in user) await chown(folder, user.uid, user.gid)
      const args = ['-D', data, '-A', 'trust', '-U', 'bench', '-E', 'UTF8', '--no-locale']
      execFileSync(join(programs, 'initdb'), args, { ...options, stdio: 'pipe' })
    }
    const port = await freePort()
    const settings = { ...SETTINGS, port, unix_socket_directories: data }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const server = new ServerProcess(join(programs, 'postgres'), ['-D', data, ...flags], options)
    await server.until(() => createSchema(port, schema))
    return new PostgresServer(server, port)
  }

  stop(): Promise<void> {
    // Fast shutdown: SIGTERM would wait for clients.
    return this.#process.stop('SIGINT')
  }
}

async function createSchema(port: number, schema: readonly string[]): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'bench', database: 'postgres' })
  client.on('error', () => undefined)
  await client.connect()
  for (const sql of schema) await client.query(sql)
  await client.end()
}

/** It refuses to run as root: then it runs as the user that its package made. */
function otherUser(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
