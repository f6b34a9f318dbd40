import { mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { BorealError, messageOf } from '../model/errors.ts'
import { threadEntry } from '../model/thread-entry.ts'
import { TableTransport } from './table-transport.ts'

export interface EmbeddedTableOptions {
  /** Folder of the table. */
  path: string
  /** Loopback port; 0 takes a free one. */
  port?: number
  /** Write through to the disk before an append is acknowledged. Default true; off, a power loss may lose the last seconds. */
  sync?: boolean
}

export interface TableThreadData {
  path: string
  port: number
  sync: boolean
}

export type TableThreadReady = { ready: true; port: number } | { ready: false; locked: boolean; failure: string }

/** Another process has the folder. */
export class TableInUse extends BorealError {
  constructor(path: string) {
    super('not_ready', `${path} is in use by another process; stop that one, or choose another --data folder`)
    this.name = 'TableInUse'
  }
}

/**
 * The embedded table: something that speaks DynamoDB, over a folder, in a thread of its own. It survives a kill of the
 * process; one process at a time can have it.
 */
export class EmbeddedTable {
  readonly endpoint: string
  /** The way to it for this process. */
  readonly transport: TableTransport
  readonly #worker: Worker
  readonly #ended: Promise<unknown>

  private constructor(worker: Worker, port: number) {
    this.#worker = worker
    this.#ended = new Promise((resolve) => worker.once('exit', resolve))
    this.endpoint = `http://127.0.0.1:${port}`
    this.transport = new TableTransport(worker)
  }

  /** Opens the folder, creating it when it is missing. */
  static async open({ path, port = 0, sync = true }: EmbeddedTableOptions): Promise<EmbeddedTable> {
    await mkdir(path, { recursive: true })
    const workerData: TableThreadData = { path, port, sync }
    // Flags of the program (a loader, an evaluated text) are none of the thread's business, and some would break it.
    const worker = new Worker(threadEntry('table-thread'), { workerData, execArgv: [] })
    const ready = await new Promise<TableThreadReady>((resolve) => {
      worker.once('message', resolve)
      worker.once('error', (error) => resolve({ ready: false, locked: false, failure: messageOf(error) }))
      worker.once('exit', (code) => {
        resolve({ ready: false, locked: false, failure: `its thread exited with code ${code}` })
      })
    })
    if (ready.ready) return new EmbeddedTable(worker, ready.port)
    await worker.terminate()
    if (ready.locked) throw new TableInUse(path)
    throw new BorealError('not_ready', `the table in ${path} cannot be opened: ${ready.failure}`)
  }

  async close(): Promise<void> {
    this.#worker.postMessage('close')
    const timer = setTimeout(() => void this.#worker.terminate(), 2_000)
    await this.#ended
    clearTimeout(timer)
  }
}
