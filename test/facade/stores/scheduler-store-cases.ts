import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'

/** Aurora's AbstractSchedulerStoreTest. */
export function schedulerStoreCases(storage: Storage): void {
  const fetch = () => storage.consistentRead(({ scheduler }) => scheduler.frameworkId())

  test('there is no framework id at first; a saved one is overwritten by the next [testSchedulerStore]', async () => {
    expect(await fetch()).toBeUndefined()
    await storage.write(({ scheduler }) => scheduler.saveFrameworkId('a'))
    expect(await fetch()).toBe('a')
    await storage.write(({ scheduler }) => scheduler.saveFrameworkId('b'))
    expect(await fetch()).toBe('b')
  })
}
