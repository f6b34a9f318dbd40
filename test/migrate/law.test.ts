import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../lib/log/entry.ts'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import type { Store } from '../../lib/store/store.ts'
import { logOf } from './logs.ts'
import { everythingIn, GENESIS, MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

/**
 * The law of every migration: migrating and then applying events gives what applying them and then migrating gives, at any
 * place of the log. Compared is everything: every row, what is computed of it, and the schema itself.
 */

const MINUTE = 60_000
const SEED = Number(process.env.SEED ?? 3)

/** Applies entries, and at each cut brings the store to the schema that is due there. */
async function applied(store: Store, entries: Entry[], cuts: { at: number; schema: number }[]): Promise<unknown> {
  let done = 0
  for (const { at, schema } of [...cuts, { at: entries.length, schema: undefined }]) {
    if (at > done) await store.apply(entries.slice(done, at))
    done = Math.max(done, at)
    if (schema !== undefined) await migrateStore(store.engine, MIGRATIONS.slice(0, schema))
  }
  return everythingIn(store)
}

const genesisOf = ([first]: Entry[]) => ({ ...GENESIS, hash: first!.prev })

describe.each([
  { from: 1, format: 1 },
  { from: 2, format: 1 },
  { from: 3, format: 2 },
])('a log of schema $from, format $format', ({ from, format }) => {
  test('gives the same wherever the store is migrated on the way', { timeout: 3 * MINUTE }, async () => {
    const { entries } = await logOf(from, { seed: SEED, transactions: 160, format })
    const expected = await everythingIn(
      await storeAt(SCHEMA, genesisOf(entries)).then(async (store) => {
        await store.apply(entries)
        return store
      }),
    )
    const steps = Array.from({ length: SCHEMA - from }, (_, index) => from + 1 + index)
    const places = fc.array(fc.nat(entries.length), { minLength: steps.length, maxLength: steps.length })
    const chosen = [
      steps.map(() => 0),
      steps.map(() => entries.length),
      ...fc.sample(places, { numRuns: 3, seed: SEED }),
    ]
    for (const at of chosen) {
      const cuts = at.sort((a, b) => a - b).map((place, index) => ({ at: place, schema: steps[index]! }))
      const store = await storeAt(from, genesisOf(entries))
      expect(await applied(store, entries, cuts), JSON.stringify(cuts)).toEqual(expected)
      await store.engine.kill()
    }
  })
})

describe.each([2, 3])('rules of schema %i', (to) => {
  test('give the same whether a store followed them always, or a newer build took it part of the way', {
    timeout: 3 * MINUTE,
  }, async () => {
    const { entries } = await logOf(to, { seed: SEED + 1, transactions: 160, format: to === 3 ? 2 : 1 })
    const always = await storeAt(to, genesisOf(entries))
    await always.apply(entries)
    const expected = await everythingIn(always)
    for (const at of [1, entries.length, ...fc.sample(fc.nat(entries.length), { numRuns: 2, seed: SEED })]) {
      const store = await storeAt(SCHEMA, genesisOf(entries))
      expect(await applied(store, entries, [{ at, schema: to }]), `cut at ${at}`).toEqual(expected)
      await store.engine.kill()
    }
  })
})
