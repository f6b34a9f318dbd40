import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toAttributes } from '../../lib/log/dynamo-item.ts'
import type { MemoryTable } from '../../lib/log/memory-log.ts'
import { type TransactionRequest, transactionRequest } from '../../lib/model/transaction.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { loadBaseImage } from '../../lib/store/base-image.ts'
import { loadMigrations } from '../../lib/store/migrations.ts'
import { inJson } from '../goldens/golden-log.ts'
import { FULL_TRANSACTIONS, REMOVALS } from '../goldens/operations.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { snapshotContext, submitAll, temporaryObjects } from '../support/snapshots.ts'
import { entriesOf } from '../support/state.ts'
import { addFixture, fixtures } from './fixtures.ts'
import { early } from './logs.ts'
import { digestAt, storeAt } from './stores.ts'

/**
 * `npm run goldens`: adds the fixture of the schema of this build, if it is missing: to be run before a release. With
 * SCHEMA=n that of a build with the first n migrations. Those of earlier schemas are made by the builds that had them
 * (this file and its neighbours work in a checkout of such a build).
 */
test('adds the fixture that is missing', { timeout: 600_000 }, async () => {
  const all = loadMigrations()
  const schema = Number(process.env.SCHEMA ?? all.length)
  if (fixtures().includes(schema)) return
  const image = await loadBaseImage(schema === all.length ? {} : { migrations: all.slice(0, schema) })
  const newLogFormat = schema < 3 ? 1 : 2
  const objects = await temporaryObjects()
  // A node of today cannot write at schema 1, but what it writes can be replayed there.
  const writing = schema === 1 ? {} : { image }
  const storeId = `store-of-schema-${schema}`
  const { node, ...store } = await memoryNode({ ...writing, newLogFormat, objects, storeId })
  const requests = requestsOf(schema)
  const half = Math.ceil(requests.length / 2)
  await submitAll(node, requests.slice(0, half))
  const { snapshotId } = await takeSnapshot(await snapshotContext(store, objects, { base: image }))
  await submitAll(node, requests.slice(half))
  const folder = `${store.storeId}/snapshots/${snapshotId}`
  const read = async (name: string) => Buffer.from(await objects.get(`${folder}/${name}`))
  const manifest = JSON.parse((await read('manifest.json')).toString())
  const parts = manifest.image.parts.map((_: unknown, index: number) => read(`image/${String(index).padStart(5, '0')}`))
  addFixture({
    log: storedLog(store),
    documents: {
      'manifest.json': (await read('manifest.json')).toString(),
      'verified.json': (await read('verified.json')).toString(),
    },
    image: Buffer.concat(await Promise.all(parts)),
    state: { schema, ...(await endOf(node, schema)), snapshotLsn: manifest.lsn },
  })
  expect(fixtures()).toContain(schema)
})

/** Where the log ends, and the digest there by the rules of the schema. */
async function endOf(node: BorealNode, schema: number): Promise<{ lsn: number; digest: string }> {
  if (schema > 1) return node.digest()
  const entries = await entriesOf(node.log)
  const store = await storeAt(schema, await node.log.genesis())
  await store.apply(entries)
  return { lsn: store.mark.lsn, digest: await digestAt(store, schema) }
}

function requestsOf(schema: number): TransactionRequest[] {
  if (schema === 1) return fc.sample(early, { numRuns: 60, seed: 1 })
  const full = [...FULL_TRANSACTIONS, ...REMOVALS.slice(0, 2)].map((operations) =>
    transactionRequest.parse({ operations }),
  )
  const random = fc.sample(randomTransaction, { numRuns: 90, seed: schema })
  // Some of what has every field is in the snapshot, some behind it.
  return [...random.slice(0, 30), ...full.slice(0, 6), ...random.slice(30, 60), ...full.slice(6), ...random.slice(60)]
}

function storedLog({ table, storeId }: { table: MemoryTable; storeId: string }) {
  const items = [...table.slots.values()].sort((a, b) => a.lsn - b.lsn)
  return { storeId, items: items.map((item) => inJson(toAttributes(item))), bodies: {} }
}
