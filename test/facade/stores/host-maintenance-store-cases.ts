import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'
import { hostMaintenanceRequest } from '../../../lib/model/host-maintenance.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'

/** Aurora's AbstractHostMaintenanceStoreTest. */
export function hostMaintenanceStoreCases(storage: Storage): void {
  const requestOf = (host: string, timeoutSecs = 1_800) => ({
    host,
    defaultSlaPolicy: { percentage: { percentage: 95.5, durationSecs: 1_800 } },
    timeoutSecs,
    createdTimestampMs: 1_478_000_000_000,
  })
  const stored = (record: object) => ({ ...record, version: expect.any(Number) })
  const save = (host: string, timeoutSecs?: number) =>
    storage.write(({ hostMaintenance }) => hostMaintenance.save(requestOf(host, timeoutSecs)))
  const remove = (host: string) => storage.write(({ hostMaintenance }) => hostMaintenance.remove(host))
  const fetch = (host: string) => storage.consistentRead(({ hostMaintenance }) => hostMaintenance.get(host))
  const list = async (prefix: string) => {
    const all = await storage.consistentRead(({ hostMaintenance }) => hostMaintenance.list())
    return all.filter(({ host }) => host.startsWith(prefix))
  }

  test('a host that nobody has asked for has no request [testReadHostMaintenanceRequestNonExistant]', async () => {
    expect(await fetch('nobody')).toBeUndefined()
  })

  test('a request comes back with every field [testReadHostMaintenanceRequest]', async () => {
    assertFullyPopulated(hostMaintenanceRequest, requestOf('read'), ['version'])
    await save('read')
    expect(await fetch('read')).toEqual(stored(requestOf('read')))
  })

  test('the list grows with every host [testReadAllHostMaintenanceRequest, testStoreSize]', async () => {
    const hosts = ['all-1', 'all-2', 'all-3']
    for (const [index, host] of hosts.entries()) {
      await save(host)
      expect(await list('all-')).toEqual(hosts.slice(0, index + 1).map((each) => stored(requestOf(each))))
    }
    await storage.write(({ hostMaintenance }) => {
      for (const host of hosts) hostMaintenance.remove(host)
    })
    expect(await list('all-')).toEqual([])
  })

  test('a saved request is readable; its policy may be left out or be any of the three [testSaveHostMaintenanceRequest]', async () => {
    const { defaultSlaPolicy: _, ...without } = requestOf('save')
    const policies = [
      {},
      { defaultSlaPolicy: { count: { count: 5, durationSecs: 60 } } },
      { defaultSlaPolicy: { coordinator: { coordinatorUrl: 'http://c', statusKey: 'drain' } } },
    ]
    for (const policy of policies) {
      await storage.write(({ hostMaintenance }) => hostMaintenance.save({ ...without, ...policy }))
      expect(await fetch('save')).toEqual(stored({ ...without, ...policy }))
    }
  })

  test('a second save replaces the request of that host alone [testSaveHostMaintenanceRequestUpdates]', async () => {
    await save('update-1')
    await save('update-2')
    await save('update-1', 7)
    expect(await fetch('update-1')).toEqual(stored(requestOf('update-1', 7)))
    expect(await fetch('update-2')).toEqual(stored(requestOf('update-2')))
  })

  test('removing what is not there is no error [testRemoveHostMaintenanceRequestNotExistant]', async () => {
    await save('stays')
    await remove('never-there')
    expect(await fetch('stays')).toEqual(stored(requestOf('stays')))
  })

  test('a removed request is gone [testRemoveHostMaintenanceRequest]', async () => {
    await save('gone')
    await remove('gone')
    expect(await fetch('gone')).toBeUndefined()
    expect(await list('gone')).toEqual([])
  })
}
