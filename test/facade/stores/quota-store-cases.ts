import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'
import { quota } from '../../support/records.ts'

/** Aurora's AbstractQuotaStoreTest. */
export function quotaStoreCases(storage: Storage): void {
  const fetch = (role: string) => storage.consistentRead(({ quotas }) => quotas.get(role))
  const list = async () => {
    const all = await storage.consistentRead(({ quotas }) => quotas.list())
    return all.map(({ role, quota }) => [role, quota])
  }
  const clear = () =>
    storage.write(async ({ quotas }) => {
      for (const { role } of await quotas.list()) quotas.remove(role)
    })

  test('quotas are saved, read, listed and removed, each by itself, and all together [testCrud]', async () => {
    expect(await fetch('crud-1')).toBeUndefined()
    await storage.write(({ quotas }) => {
      quotas.save('crud-1', quota(1))
      quotas.save('crud-2', quota(2))
    })
    expect(await fetch('crud-1')).toEqual(quota(1))
    expect(await fetch('crud-2')).toEqual(quota(2))
    expect(await list()).toEqual([
      ['crud-1', quota(1)],
      ['crud-2', quota(2)],
    ])
    await storage.write(({ quotas }) => quotas.remove('crud-1'))
    expect(await fetch('crud-1')).toBeUndefined()
    expect(await list()).toEqual([['crud-2', quota(2)]])
    await clear()
    expect(await list()).toEqual([])
  })

  test('removing what is not there is no error [testDeleteNonExistent]', async () => {
    await storage.write(({ quotas }) => quotas.remove('nobody'))
    expect(await fetch('nobody')).toBeUndefined()
  })

  test('a second save replaces every value [testUpsert]', async () => {
    await storage.write(({ quotas }) => quotas.save('upsert', quota(1, 2, 3)))
    await storage.write(({ quotas }) => quotas.save('upsert', quota(4, 5, 6)))
    expect(await fetch('upsert')).toEqual(quota(4, 5, 6))
  })

  test('the number of quotas follows what is saved and removed [testStoreSize]', async () => {
    await clear()
    for (const role of ['size-1', 'size-2']) await storage.write(({ quotas }) => quotas.save(role, quota(1)))
    expect(await list()).toHaveLength(2)
    await storage.write(({ quotas }) => quotas.save('size-2', quota(2)))
    expect(await list()).toHaveLength(2)
    await storage.write(({ quotas }) => quotas.remove('size-1'))
    expect(await list()).toHaveLength(1)
  })
}
