import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replay, replayUnread } from '../../lib/replica/replay.ts'
import { digestOf, digestStatement, tableHashesStatement } from '../../lib/store/digest.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { submitAll } from '../support/snapshots.ts'
import { emptyStore, entriesOf, stateOf } from '../support/state.ts'

/** Moving the live store to another state by one entry with the difference. */

const requests = (seed: number, numRuns: number) => fc.sample(randomTransaction, { numRuns, seed })

test.each([
  ['whole', undefined],
  ['in frames of two rows', 2],
])(
  'after random histories the store holds what it held at a random LSN, and undoing it what it held before (%s)',
  {
    timeout: 300_000,
  },
  async (_how, frameRows) => {
    const seed = Number(process.env.SEED ?? 77)
    const { node } = await memoryNode(frameRows === undefined ? {} : { frameRows })
    const random = fc.sample(fc.nat(), { numRuns: 8, seed })
    for (let round = 0; round < 4; round++) {
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
    expect(entries.some(({ framed }) => framed !== undefined)).toBe(frameRows !== undefined)
    for (const bring of [replay, replayUnread]) {
      const store = await emptyStore(node.log)
      await bring(node.log, store, { upTo: node.tailLsn, inBulk: true })
      expect(await stateOf(store)).toEqual(written)
      await store.engine.kill()
    }
  },
)
