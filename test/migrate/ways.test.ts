import { expect, test } from 'vitest'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { everythingIn, imageAt, MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

const EARLIER = Array.from({ length: SCHEMA - 1 }, (_, index) => index + 1)

test.each(EARLIER)(
  'an empty store of schema %i becomes what a new one is, and back',
  { timeout: 60_000 },
  async (schema) => {
    const store = await storeAt(schema)
    const before = await everythingIn(store)
    const up = await migrateStore(store.engine, MIGRATIONS)
    expect(up).toMatchObject({ from: schema, to: SCHEMA })
    expect(await everythingIn(store)).toEqual(await everythingIn(await storeAt(SCHEMA)))
    const down = await migrateStore(store.engine, (await imageAt(schema)).migrations)
    expect(down).toMatchObject({ from: SCHEMA, to: schema })
    expect(await everythingIn(store)).toEqual(before)
  },
)
