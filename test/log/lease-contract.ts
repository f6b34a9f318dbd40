import { describe, expect, test } from 'vitest'
import type { Lease, LeaseStore } from '../../lib/log/lease.ts'

export interface LeaseBed {
  /** One more adapter on the lease of the store, as one more process would have it. */
  leases(): Promise<LeaseStore>
  /** What the head item says besides. */
  trimmedTo(): Promise<number>
  trimTo(lsn: number): Promise<void>
}

const lease = (holder: string, term: number, expiresMs = 1_000): Lease => ({
  holder,
  endpoint: holder === '' ? '' : `http://${holder}`,
  term,
  expiresMs,
  leaving: false,
})

/** What every adapter of the lease must keep. `open` gives a store whose lease nobody has ever held. */
export function describeLeaseContract(name: string, open: () => Promise<LeaseBed>): void {
  describe(name, () => {
    test('nobody holds it in the beginning, and one of many who want it gets it', async () => {
      const bed = await open()
      const all = await Promise.all(Array.from({ length: 5 }, () => bed.leases()))
      expect(await all[0]!.read()).toBeUndefined()
      const swapped = await Promise.all(all.map((each, index) => each.swap(undefined, lease(`w${index}`, 1))))
      expect(swapped.filter(Boolean)).toHaveLength(1)
      expect(await all[0]!.read()).toEqual(lease(`w${swapped.indexOf(true)}`, 1))
    })

    test('it is replaced only by who knows it as it is', async () => {
      const bed = await open()
      const [a, b] = [await bed.leases(), await bed.leases()]
      const first = lease('a', 1)
      await a.swap(undefined, first)
      for (const stale of [undefined, lease('b', 1), lease('a', 2), lease('a', 1, 999)]) {
        expect(await b.swap(stale, lease('b', 9)), JSON.stringify(stale)).toBe(false)
      }
      expect(await b.read()).toEqual(first)
      const leaving = { ...lease('a', 1, 2_000), leaving: true }
      expect(await a.swap(first, leaving)).toBe(true)
      expect(await b.swap(first, lease('b', 2))).toBe(false)
      expect(await b.read()).toEqual(leaving)
      const released = lease('', 1, 2_000)
      expect(await a.swap(leaving, released)).toBe(true)
      expect(await b.swap(released, lease('b', 2, 3_000))).toBe(true)
      expect(await a.read()).toEqual(lease('b', 2, 3_000))
    })

    test('it lives beside what else the head item says', async () => {
      const bed = await open()
      const leases = await bed.leases()
      await leases.swap(undefined, lease('a', 1))
      await bed.trimTo(7)
      expect(await leases.read()).toEqual(lease('a', 1))
      await leases.swap(lease('a', 1), lease('a', 1, 5_000))
      expect(await bed.trimmedTo()).toBe(7)
    })
  })
}
