import fc from 'fast-check'
import type { Entry } from '../../lib/log/entry.ts'
import type { Log } from '../../lib/log/log.ts'
import { getOrInsert } from '../../lib/model/get-or-insert.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { openPast } from '../../lib/recovery/past-stores.ts'
import { type Point, textOfPoint } from '../../lib/recovery/point.ts'
import { digestOf, digestStatement } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { partsInMemory } from '../../lib/store/image-parts.ts'
import { Store } from '../../lib/store/store.ts'
import { testImage } from './image.ts'
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

  /**
   * Their digests, by the texts of points. One store goes through the whole log; places inside entries are reached in
   * copies of it.
   */
  async digests(points: readonly Point[]): Promise<Map<string, string>> {
    const digests = new Map<string, string>()
    const asked = new Map<number, Point[]>()
    for (const point of points) getOrInsert(asked, point.lsn, () => []).push(point)
    const store = await emptyStore(this.#log)
    const note = async (point: Point, of: Store) => {
      digests.set(textOfPoint(point), digestOf((await of.run([digestStatement]))[0]))
    }
    const isWhole = ({ index }: Point) => index === undefined
    try {
      if (asked.has(0)) await note({ lsn: 0 }, store)
      for (const entry of this.entries) {
        const here = asked.get(entry.lsn) ?? []
        for (const point of here.filter((each) => !isWhole(each))) {
          const partly = await copyOf(store)
          await partly.apply([{ ...entry, transactions: entry.transactions.slice(0, point.index! + 1) }])
          await note(point, partly)
          await partly.engine.kill()
        }
        await store.apply([entry])
        if (here.some(isWhole)) await note({ lsn: entry.lsn }, store)
      }
    } finally {
      await store.engine.kill()
    }
    return digests
  }
}

async function copyOf(store: Store): Promise<Store> {
  const parts: Uint8Array[] = []
  for await (const part of store.engine.image()) parts.push(part)
  const { wasm } = await testImage()
  return Store.open(await PgliteEngine.bootImage({ parts: partsInMemory(...parts), wasm }), store.mark)
}
