import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { ClassicLevel } from 'classic-level'
import dynalite from 'dynalite'
import { messageOf } from '../model/errors.ts'
import type { TableThreadData, TableThreadReady } from './embedded-table.ts'

/** Entry of the embedded table's thread: dynalite over a folder, on a loopback port. */

const { path, port, sync } = workerData as TableThreadData

/** LevelDB leaves its writes to the operating system unless told otherwise, and dynalite has no setting for it. */
function syncEveryWrite(): void {
  type Write = (...args: unknown[]) => Promise<void>
  const level = ClassicLevel.prototype as unknown as { _put: Write; _batch: Write }
  const { _put, _batch } = level
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
  if (sync) syncEveryWrite()
  const server = dynalite({ path, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  parentPort!.once('message', () => server.close(() => process.exit(0)))
  parentPort!.postMessage({ ready: true, port: (server.address() as AddressInfo).port } satisfies TableThreadReady)
}

main().catch((error: Error & { cause?: { code?: string } }) => {
  const locked = error.cause?.code === 'LEVEL_LOCKED'
  parentPort!.postMessage({ ready: false, locked, failure: messageOf(error) } satisfies TableThreadReady)
})
