import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'
import { hostAttributes } from '../../../lib/model/host-attributes.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'
import { host } from '../../support/records.ts'
import { refused } from '../../support/refusal.ts'
import { taskIn } from '../../support/task-store.ts'

const RACK = { name: 'rack', values: ['a', 'b'] }
const ZONE = { name: 'zone', values: ['eu-1', 'eu-2'] }

/** Aurora's AbstractAttributeStoreTest. */
export function attributeStoreCases(storage: Storage): void {
  const stored = (record: object) => ({ ...record, version: expect.any(Number) })
  const save = (record: Parameters<typeof host>[1] & { host: string }) =>
    storage.write(({ hosts }) => hosts.save(record as ReturnType<typeof host>))
  const fetch = (name: string) => storage.consistentRead(({ hosts }) => hosts.get(name))
  const list = async (prefix: string) => {
    const all = await storage.consistentRead(({ hosts }) => hosts.list())
    return all.filter((each) => each.host.startsWith(prefix))
  }

  test('a first save says that something has changed, an equal one that nothing has [testSaveAttributes]', async () => {
    const record = host('first', { attributes: [RACK, ZONE] })
    expect(await save(record)).toBe(true)
    const before = await fetch('first')
    expect(await save(record)).toBe(false)
    expect(await save(host('first', { attributes: [ZONE, { name: 'rack', values: ['b', 'a', 'b'] }] }))).toBe(false)
    expect(await fetch('first')).toEqual(before)
    expect(before).toEqual(stored(record))
    expect(await save(host('first', { attributes: [ZONE] }))).toBe(true)
  })

  test('hosts are inserted, inserted again, changed and listed [testCrud]', async () => {
    expect(await fetch('crud-a')).toBeUndefined()
    const [a, b] = [host('crud-a', { attributes: [RACK, ZONE] }), host('crud-b', { attributes: [ZONE] })]
    assertFullyPopulated(hostAttributes, a, ['version'])
    await save(a)
    await save(a)
    expect(await fetch('crud-a')).toEqual(stored(a))
    await save(b)
    const other = { ...a, attributes: [{ name: 'model', values: ['T4'] }] }
    for (const changed of [other, { ...other, mode: 'DRAINED' as const }]) {
      expect(await save(changed)).toBe(true)
      expect(await fetch('crud-a')).toEqual(stored(changed))
      expect(await list('crud-')).toEqual([stored(changed), stored(b)])
    }
  })

  test('an attribute must have a value [testEmptyAttributeValues]', async () => {
    const record = host('no-values', { attributes: [RACK, { name: 'empty', values: [] }] })
    await expect(save(record)).rejects.toEqual(refused('invalid_field'))
    expect(await fetch('no-values')).toBeUndefined()
  })

  test('a host may have no attributes [testNoAttributes]', async () => {
    await save(host('none', { attributes: [] }))
    expect(await fetch('none')).toEqual(stored(host('none', { attributes: [] })))
  })

  test('a host must have a mode [testNoMode]', async () => {
    const { mode: _, ...record } = host('no-mode')
    await expect(save(record)).rejects.toEqual(refused('invalid_field'))
    expect(await fetch('no-mode')).toBeUndefined()
  })

  test('attributes that are left out are stored as none [testSaveAttributesEmpty]', async () => {
    const { attributes: _, ...record } = host('left-out')
    await save(record)
    expect(await fetch('left-out')).toEqual(stored({ ...record, attributes: [] }))
  })

  test('the agent under a host may change, and two hosts may have one agent [testSlaveIdChanges]', async () => {
    await save(host('agent', { slaveId: 'one' }))
    expect(await save(host('agent', { slaveId: 'two' }))).toBe(true)
    expect(await fetch('agent')).toEqual(stored(host('agent', { slaveId: 'two' })))
    expect(await save(host('agent-2', { slaveId: 'two' }))).toBe(true)
  })

  test('changing a host leaves the tasks on it as they are [testUpdateAttributesWithRelations]', async () => {
    await save(host('related', { slaveId: 'one', attributes: [RACK] }))
    const on = taskIn('related', 'related-1', { slaveHost: 'related', slaveId: 'one', status: 'RUNNING' })
    await storage.write(({ tasks }) => tasks.save([on]))
    const placed = () => storage.consistentRead(({ tasks }) => tasks.fetch({ slaveHosts: ['related'] }))
    const before = await placed()
    expect(before).toHaveLength(1)
    expect(await save(host('related', { slaveId: 'two', mode: 'DRAINING', attributes: [ZONE] }))).toBe(true)
    expect(await placed()).toEqual(before)
  })

  test('a host that is removed is gone, and one that is not there can be removed', async () => {
    await save(host('gone'))
    await storage.write(({ hosts }) => hosts.remove('gone'))
    expect(await fetch('gone')).toBeUndefined()
    await storage.write(({ hosts }) => hosts.remove('gone'))
  })

  test('the number of hosts follows what is saved [testStoreSize]', async () => {
    for (const name of ['size-1', 'size-2', 'size-2']) await save(host(name))
    expect(await list('size-')).toHaveLength(2)
  })
}
