import { expect, test } from 'vitest'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { keepHouse } from '../../lib/store/housekeeping.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { Store } from '../../lib/store/store.ts'
import { testImage } from '../support/image.ts'

const figures = {
  sql: `select json_build_object(
    'wal', (select count(*) from pg_ls_waldir()),
    'bytes', (select pg_relation_size('host') + pg_indexes_size('host')))`,
  params: [],
}

test('neither dead rows nor the log of changes grow with the number of changes', { timeout: 60_000 }, async () => {
  const store = await Store.open(await PgliteEngine.bootImage(await testImage()), { lsn: 0, hash: '', time: 0 })
  const limits = { walSegments: 12, deadRows: 1_000, changedRows: 1_000 }
  const one = {
    sql: `insert into host select 'h' || i, null, 'NONE', '[]', 1 from generate_series(1, 500) i`,
    params: [],
  }
  const change = { sql: `update host set mode = 'M' || version, version = version + 1`, params: [] }
  await store.run([one])
  const done = new Set<string>()
  const sizes: { wal: number; bytes: number }[] = []
  for (let round = 0; round < 60; round++) {
    for (let times = 0; times < 10; times++) await store.run([change])
    for (const work of await keepHouse(store, limits)) done.add(work)
    const [result] = await store.run([figures])
    sizes.push(jsonOf<{ wal: number; bytes: number }>(result)!)
  }
  await store.engine.kill()
  expect([...done].sort()).toEqual(['analyze public.host', 'checkpoint', 'vacuum (truncate off) public.host'])
  // 300,000 dead rows would be over 30 MB. How many there are at a time depends on how often Postgres counts them.
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeLessThanOrEqual(12 * 1024 * 1024)
  expect(Math.max(...sizes.map(({ wal }) => wal))).toBeLessThanOrEqual(40)
})
