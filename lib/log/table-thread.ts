import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { ClassicLevel } from 'classic-level'
import dynalite from 'dynalite'
import { messageOf } from '../model/errors.ts'
import type { TableThreadData, TableThreadReady } from './embedded-table.ts'
import type { TableRequest } from './table-messages.ts'
import { answerRequest } from './table-requests.ts'

/** Entry of the embedded table's thread: dynalite over a folder, on a loopback port, and for messages of this process. */

const { path, port, sync } = workerData as TableThreadData

/** What dynalite asks of LevelDB, done otherwise; it has no setting for either. */
function adaptLevel(): void {
  type Method = (...args: unknown[]) => unknown
  const level = ClassicLevel.prototype as unknown as Record<'_get' | '_getSync' | '_put' | '_batch', Method>
  const { _put, _batch } = level
  // To look a key up takes less than to wake another thread for it.
  level._get = async function (key, options) {
    return this._getSync(key, options)
  }
  if (!sync) return
  // LevelDB leaves its writes to the operating system unless told otherwise.
  level._put = function (key, value, options) {
    return _put.call(this, key, value, { ...(options as object), sync: true })
  }
  level._batch = function (operations, options) {
    return _batch.call(this, operations, { ...(options as object), sync: true })
  }
}

/** dynalite would die without a word on a folder that another process has open: find out first. */
async function assertFree(): Promise<void> {
  const level = new ClassicLevel(path)
  await level.open()
  await level.close()
}

async function main(): Promise<void> {
  await assertFree()
  adaptLevel()
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  parentPort!.on('message', async (message: TableRequest | 'close') => {
    if (message === 'close') {
      server.close(() => process.exit(0))
      return
    }
    const response = await answerRequest(server, message)
    parentPort!.postMessage(response, [response.body.buffer])
  })
  parentPort!.postMessage({ ready: true, port: (server.address() as AddressInfo).port } satisfies TableThreadReady)
}

main().catch((error: Error & { cause?: { code?: string } }) => {
  const locked = error.cause?.code === 'LEVEL_LOCKED'
  parentPort!.postMessage({ ready: false, locked, failure: messageOf(error) } satisfies TableThreadReady)
})
