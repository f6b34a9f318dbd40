import fc from 'fast-check'
import { dumpStore } from '../../lib/dump/write-dump.ts'
import { LOG_FORMAT } from '../../lib/log/event-log.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { replay } from '../../lib/replica/replay.ts'
import { type Contents, contentsOf } from '../../lib/snapshot/describe.ts'
import type { Engine } from '../../lib/store/engine.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { Store } from '../../lib/store/store.ts'
import { testImage } from './image.ts'
import { randomTransaction } from './random-transactions.ts'
import { as, request, saveQuota } from './requests.ts'
import { submitAll } from './snapshots.ts'
import { emptyStore } from './state.ts'

/** Text with everything that means something to COPY, to psql, or to who reads blocks. */
export const AWKWARD =
  'tab\t newline\n return\r \b\f\v \\ \\N \\. \n\\.\n; $1 :x \'"\n-- sha256 0\u0001\u001f\u007f é 漢 🜁'

/** Puts a bit of everything into a store. */
export async function fill(node: BorealNode, runs = 200, seed = 5): Promise<void> {
  const job = { role: 'a', environment: 'prod', name: 'awkward' }
  const lock = { key: { job }, token: 'awkward', user: '\\N', timestampMs: 1, message: AWKWARD }
  await submitAll(node, [
    ...fc.sample(randomTransaction, { numRuns: runs, seed }),
    request([{ op: 'saveLock', lock }]),
    request([{ op: 'saveFrameworkId', id: 'the-framework' }]),
  ])
  await node.submit(request([saveQuota('last', 0.1)]), as('p', 'k'))
}

/** A store of one's own that has replayed the log of a node. */
export async function replayed(node: BorealNode): Promise<Store> {
  const store = await emptyStore(node.log)
  await replay(node.log, store)
  return store
}

export async function dumpOf(engine: Engine, storeId = 'store-of-the-test'): Promise<Buffer> {
  const { schemaVersion, schemaChecksum } = await testImage()
  const chunks: Uint8Array[] = []
  for await (const chunk of dumpStore(engine, { storeId, schemaVersion, schemaChecksum, logFormat: LOG_FORMAT })) {
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Bytes in chunks of a size. */
export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size)
}

/** An engine that has the schema and no rows. */
export async function freshEngine(): Promise<PgliteEngine> {
  return PgliteEngine.bootImage(await testImage())
}

/** What an engine holds. */
export async function heldBy(engine: Engine): Promise<Contents & { lsn: number; hash: string }> {
  const store = await Store.open(engine, { lsn: 0, hash: '', time: 0 })
  return { ...(await contentsOf(store)), lsn: store.mark.lsn, hash: store.mark.hash }
}
