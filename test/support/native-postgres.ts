import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { findPostgres } from '../bench/systems/peers.ts'
import { PostgresServer } from '../bench/systems/postgres-server.ts'
import { type Cleanup, temporaryFolder } from './temporary.ts'

/** Where the programs of a native PostgreSQL of version 15 or newer are; undefined when there are none. */
export function nativePostgres(): string | undefined {
  const found = findPostgres()
  return typeof found === 'string' ? undefined : found.path
}

/** A PostgreSQL server of one's own, and psql to use it with. */
export class NativePostgres {
  readonly #programs: string
  readonly #server: PostgresServer

  private constructor(programs: string, server: PostgresServer) {
    this.#programs = programs
    this.#server = server
  }

  static async start(cleanup: Cleanup = onTestFinished): Promise<NativePostgres> {
    const programs = nativePostgres()!
    const folder = await temporaryFolder(cleanup)
    // It runs as another user than root, who must get here.
    await chmod(folder, 0o755)
    const server = await PostgresServer.start(programs, folder, [])
    cleanup(() => server.stop())
    return new NativePostgres(programs, server)
  }

  /** Makes a database, and one after the other runs files or statements in it; gives what they put out, unadorned. */
  async psql(database: string, ...args: string[]): Promise<string> {
    const beside = join(this.#programs, 'psql')
    const options = [
      '-X',
      '-q',
      '-t',
      '-A',
      '-v',
      'ON_ERROR_STOP=1',
      '-h',
      '127.0.0.1',
      '-p',
      String(this.#server.port),
    ]
    const all = [...options, '-U', 'bench', '-d', database, ...args]
    const { stdout } = await promisify(execFile)(existsSync(beside) ? beside : 'psql', all)
    return stdout.trim()
  }
}
