import fc from 'fast-check'
import type { Entry } from '../../lib/log/entry.ts'
import type { Log } from '../../lib/log/log.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { openPast } from '../../lib/recovery/past-stores.ts'
import { type Point, textOfPoint } from '../../lib/recovery/point.ts'
import { digestOf, digestStatement } from '../../lib/store/digest.ts'
import { emptyStore, entriesOf } from './state.ts'

/** Digest of the state that a node restores. */
export async function pastDigest(node: BorealNode, point: Point): Promise<string> {
  const past = await openPast(node, point)
  try {
    return digestOf((await past.read([digestStatement]))[0])
  } finally {
    past.close()
  }
}

/** What stores are that have only ever replayed a log, entry by entry from its beginning. */
export class ReplayedLog {
  readonly entries: Entry[]
  readonly #log: Log

  private constructor(log: Log, entries: Entry[]) {
    this.#log = log
    this.entries = entries
  }

  static async of(log: Log): Promise<ReplayedLog> {
    return new ReplayedLog(log, await entriesOf(log))
  }

  /** Random LSNs, and random places inside entries of several transactions. */
  somePoints({ lsns, places, seed }: { lsns: number; places: number; seed: number }): Point[] {
    const large = this.entries.filter(({ transactions }) => transactions.length > 1)
    const lsn = fc.constantFrom(...this.entries).map((entry): Point => ({ lsn: entry.lsn }))
    const place = fc
      .tuple(fc.constantFrom(...large), fc.nat())
      .map(([entry, n]): Point => ({ lsn: entry.lsn, index: n % (entry.transactions.length - 1) }))
    return [...fc.sample(lsn, { numRuns: lsns, seed }), ...fc.sample(place, { numRuns: places, seed })]
  }

  /** Their digests, by the texts of points. Places inside entries cost a store each. */
  async digests(points: readonly Point[]): Promise<Map<string, string>> {
    const digests = new Map<string, string>()
    const ask = (lsn: number) => points.some((point) => point.lsn === lsn && point.index === undefined)
    const store = await emptyStore(this.#log)
    const digest = async (of = store) => digestOf((await of.run([digestStatement]))[0])
    try {
      if (ask(0)) digests.set('0', await digest())
      for (const entry of this.entries) {
        await store.apply([entry])
        if (ask(entry.lsn)) digests.set(String(entry.lsn), await digest())
      }
    } finally {
      await store.engine.kill()
    }
    for (const { lsn, index } of points) {
      if (index === undefined) continue
      const partly = await emptyStore(this.#log)
      try {
        const { transactions, ...entry } = this.entries[lsn - 1]!
        if (lsn > 1) await partly.apply(this.entries.slice(0, lsn - 1))
        await partly.apply([{ ...entry, transactions: transactions.slice(0, index + 1) }])
        digests.set(textOfPoint({ lsn, index }), await digest(partly))
      } finally {
        await partly.engine.kill()
      }
    }
    return digests
  }
}
