import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, digestStatement, tableHashesStatement } from '../../lib/store/digest.ts'
import { jsonOf } from '../../lib/store/protocol.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { submitAll } from '../support/snapshots.ts'
import { emptyStore, entriesOf, stateOf } from '../support/state.ts'

/** Moving the live store to another state by one entry with the difference. */

const requests = (seed: number, numRuns: number) => fc.sample(randomTransaction, { numRuns, seed })

test('after random histories the store holds what it held at a random LSN, and undoing it what it held before', {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.SEED ?? 77)
  const { node } = await memoryNode()
  const random = fc.sample(fc.nat(), { numRuns: 24, seed })
  for (let round = 0; round < 6; round++) {
    await submitAll(node, requests(seed + round, 60))
    const before = await dataOf(liveStore(node))
    const lsnBefore = node.tailLsn
    const lsn = random[round]! % lsnBefore
    const past = await storeAt(node, lsn)
    const wanted = await dataOf(past)
    await past.engine.kill()

    const outcome = await moveTo(node, lsn)
    expect(await dataOf(liveStore(node)), `LSN ${lsn} of ${lsnBefore}`).toEqual(wanted)
    expect(outcome.lsn).toBe(outcome.made ? lsnBefore + 1 : lsnBefore)
    if (round % 2 === 0) continue
    await moveTo(node, lsnBefore)
    expect(await dataOf(liveStore(node))).toEqual(before)
  }
  const { results } = await node.read([digestStatement, tableHashesStatement], { level: 'consistent' })
  const written = { digest: digestOf(results[0]), tables: jsonOf(results[1]) }
  const entries = await entriesOf(node.log)
  for (const size of [1, 7, entries.length]) {
    const store = await emptyStore(node.log)
    for (let at = 0; at < entries.length; at += size) await store.apply(entries.slice(at, at + size))
    expect(await stateOf(store)).toEqual(written)
    await store.engine.kill()
  }
})
