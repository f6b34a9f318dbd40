import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MemoryTable } from '../../lib/log/memory-log.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { sha256Of } from '../../lib/objects/checked-document.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { findSnapshot, type Snapshot } from '../../lib/snapshot/catalog.ts'
import { imageParts } from '../../lib/snapshot/image-object.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { memoryNode } from '../support/memory-node.ts'
import { task } from '../support/records.ts'
import { FaultyObjects, listed, RecordingLogger, snapshotContext, withFlippedBit } from '../support/snapshots.ts'
import { type Cleanup, temporaryFolder } from '../support/temporary.ts'

/** No changed bit is believed; what is older serves instead, with a reason in the log. */

const MINUTE = 60_000
const SEED = Number(process.env.SEED ?? 17)

describe('a store with two snapshots and a tail', () => {
  const cleanups: (() => Promise<void>)[] = []
  const cleanup: Cleanup = (work) => cleanups.unshift(work)
  let objects: FaultyObjects
  let store: { table: MemoryTable; storeId: string }
  let state: { lsn: number; digest: string }
  let newest: Snapshot
  let older: Snapshot

  beforeAll(async () => {
    objects = new FaultyObjects(new DirectoryObjects(await temporaryFolder(cleanup)))
    const { node, ...rest } = await memoryNode({ cleanup })
    store = rest
    const context = await snapshotContext(store, objects)
    for (const id of ['t-1', 't-2', 't-3']) {
      const request = transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })
      await node.submit(request, { principal: 'p' })
      if (id !== 't-3') await takeSnapshot(context)
    }
    state = await node.digest()
    ;[newest, older] = (await listed(objects, store.storeId)) as [Snapshot, Snapshot]
  }, 2 * MINUTE)

  afterAll(async () => {
    for (const work of cleanups) await work()
  })

  /** Restarts while what is read is changed; gives the LSNs of the snapshots that were tried and the reasons given. */
  async function restart(read: (key: string, bytes: Uint8Array) => Uint8Array) {
    const logger = new RecordingLogger()
    objects.fault = { read }
    try {
      const { node } = await memoryNode({ ...store, objects, logger })
      expect(await node.digest()).toEqual(state)
    } finally {
      objects.fault = {}
    }
    const said = [...logger.with('a snapshot is passed over'), ...logger.with('a store could not be booted')]
    return {
      restored: logger.with('restoring a snapshot').map(({ lsn }) => lsn),
      reasons: said.map(({ reason, error }) => String(reason ?? error)),
    }
  }

  const flipIn = (id: string, name: RegExp) => (key: string, bytes: Uint8Array) =>
    key.includes(id) && name.test(key) ? withFlippedBit(bytes, Math.floor(bytes.byteLength * 3.7)) : bytes

  test('unharmed, the newest one serves', async () => {
    expect(await restart((_, bytes) => bytes)).toEqual({ restored: [2], reasons: [] })
  })

  test('a bit in the image of the newest: the older one serves', { timeout: 2 * MINUTE }, async () => {
    const { restored, reasons } = await restart(flipIn(newest.id, /image\/00001$/))
    expect(restored).toEqual([2, 1])
    expect(reasons.join()).toMatch(/part 1 of the image of snapshot .* is damaged/)
  })

  test.each(['manifest.json', 'verified.json'])('a bit in %s of the newest: the older one serves', async (name) => {
    const { restored, reasons } = await restart(flipIn(newest.id, new RegExp(name)))
    expect(restored).toEqual([1])
    expect(reasons.join()).toContain(`${name} of snapshot ${newest.id} is damaged`)
  })

  test('bits in both: the log serves', { timeout: 2 * MINUTE }, async () => {
    const { restored, reasons } = await restart((key, bytes) =>
      flipIn(newest.id, /manifest/)(key, flipIn(older.id, /image\/00000/)(key, bytes)),
    )
    expect(restored).toEqual([1])
    expect(reasons).toHaveLength(2)
  })

  test('an object store that cannot be read: the log serves', async () => {
    const { reasons, restored } = await restart(() => {
      throw new Error('the bucket is away')
    })
    expect([restored, reasons]).toEqual([[], []])
  })

  test('every bit of the documents counts', { timeout: 2 * MINUTE }, async () => {
    const documents = [
      { name: 'manifest.json', states: ['damaged'] },
      { name: 'verified.json', states: ['complete'] },
    ]
    for (const { name, states } of documents) {
      const { byteLength } = await objects.get(`${store.storeId}/snapshots/${newest.id}/${name}`)
      const bits = fc.sample(fc.nat(byteLength * 8 - 1), { numRuns: 400, seed: SEED })
      for (const bit of bits) {
        objects.fault = { read: (key, bytes) => (key.endsWith(name) ? withFlippedBit(bytes, bit) : bytes) }
        const found = await findSnapshot(objects, store.storeId, newest.id)
        expect(states, `${name}, bit ${bit}`).toContain(found!.state)
        expect(found!.why, `${name}, bit ${bit}`).toBeTypeOf('string')
      }
    }
    objects.fault = {}
  })

  test('a document that says the same in another form is not believed', async () => {
    const reformed = (bytes: Uint8Array) => Buffer.from(JSON.stringify(JSON.parse(Buffer.from(bytes).toString())))
    objects.fault = { read: (key, bytes) => (key.endsWith('manifest.json') ? reformed(bytes) : bytes) }
    expect(await findSnapshot(objects, store.storeId, newest.id)).toMatchObject({ state: 'damaged' })
    objects.fault = {}
  })

  test('what a later build has noted is passed over, anything else that this one does not know is not believed', async () => {
    /** As a later build would write it. */
    const rewritten = (change: (content: Record<string, unknown>) => object) => (bytes: Uint8Array) => {
      const { checksum: _, ...content } = JSON.parse(Buffer.from(bytes).toString())
      const fields = change(content)
      const document = { ...fields, checksum: sha256Of(JSON.stringify(fields)) }
      return Buffer.from(`${JSON.stringify(document, null, 1)}\n`)
    }
    const found = async (change: (content: Record<string, unknown>) => object) => {
      objects.fault = { read: (key, bytes) => (key.endsWith('manifest.json') ? rewritten(change)(bytes) : bytes) }
      const snapshot = await findSnapshot(objects, store.storeId, newest.id)
      objects.fault = {}
      return snapshot
    }
    const noted = await found((content) => ({ ...content, notes: { compressedBy: { level: 3, with: ['a', null] } } }))
    expect(noted!.manifest).toMatchObject({ lsn: newest.manifest!.lsn, notes: { compressedBy: { level: 3 } } })
    expect((await found((content) => ({ ...content, notes: { 'No Name': 1 } })))!.state).toBe('damaged')
    const unknown = await found((content) => ({ ...content, encryption: 'aes' }))
    expect(unknown).toMatchObject({
      state: 'damaged',
      why: expect.stringMatching(/a form that this build does not know/),
    })
  })

  test('every bit of the image counts', { timeout: 3 * MINUTE }, async () => {
    const { manifest } = newest
    for (const [index, { storedBytes }] of manifest!.image.parts.entries()) {
      for (const bit of fc.sample(fc.nat(storedBytes * 8 - 1), { numRuns: 40, seed: SEED })) {
        objects.fault = { read: (_, bytes) => withFlippedBit(bytes, bit) }
        await expect(imageParts(objects, manifest!).part(index)).rejects.toMatchObject({ code: 'snapshot_corrupt' })
      }
    }
    objects.fault = {}
    await imageParts(objects, manifest!).check()
  })

  test('a part that is missing or cut off is seen without being read', async () => {
    const key = `${store.storeId}/snapshots/${newest.id}/image/00001`
    const bytes = await objects.get(key)
    await objects.delete(key)
    expect((await listed(objects, store.storeId))[0]).toMatchObject({
      state: 'damaged',
      why: expect.stringMatching(/part 1 .* missing/),
    })
    await objects.put(key, bytes.subarray(1))
    expect((await listed(objects, store.storeId))[0]).toMatchObject({
      state: 'damaged',
      why: expect.stringMatching(/part 1 .* bytes/),
    })
    await objects.delete(key)
    await objects.put(key, bytes)
    expect((await listed(objects, store.storeId))[0]).toMatchObject({ state: 'verified' })
  })

  test('when the newest one is damaged, taking one by hand replaces it although nothing is new', {
    timeout: MINUTE,
  }, async () => {
    const context = await snapshotContext(store, objects)
    await takeSnapshot(context)
    const [last] = await listed(objects, store.storeId)
    const key = `${store.storeId}/snapshots/${last!.id}/image/00000`
    const bytes = await objects.get(key)
    await objects.put(key, withFlippedBit(bytes, 4_242))
    expect(await takeSnapshot(context)).toMatchObject({ made: false })
    expect(await takeSnapshot(context, { check: true })).toMatchObject({ made: true, lsn: last!.lsn })
    expect((await restart((_, read) => read)).restored[0]).toBe(last!.lsn)
  })
})
