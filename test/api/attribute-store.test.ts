import { afterAll, expect, test } from 'vitest'
import { hostAttributes } from '../../lib/model/host-attributes.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { host } from '../support/records.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractAttributeStoreTest through HTTP, with the name of the case. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

const RACK = { name: 'rack', values: ['a', 'b'] }
const ZONE = { name: 'zone', values: ['eu-1', 'eu-2'] }

/** Saves a host; gives whether its record has changed. */
async function save(record: object): Promise<boolean> {
  const { status, body } = await api.transact([{ op: 'saveHostAttributes', hostAttributes: record }])
  expect(status, JSON.stringify(body)).toBe(200)
  const [{ op, affected, changed }] = body.results
  expect([op, affected]).toEqual(['saveHostAttributes', changed ? 1 : 0])
  return changed
}

async function fetch(name: string) {
  const { version, ...record } = (await api.get(`/v1/hosts/${encodeURIComponent(name)}`)).body
  return record
}

test('a first save says that something changed, an identical one that nothing did (testSaveAttributes)', async () => {
  const record = host('first', { attributes: [RACK, ZONE] })
  expect(await save(record)).toBe(true)
  const before = await api.state()
  expect(await save(record)).toBe(false)
  expect(await api.state()).toEqual(before)
  expect(await save(host('first', { attributes: [ZONE, { name: 'rack', values: ['b', 'a', 'b'] }] }))).toBe(false)
  expect(await fetch('first')).toEqual(record)
})

test('hosts are inserted, changed and listed; a save replaces the whole record (testCrud)', async () => {
  expect((await api.get('/v1/hosts/crud-a')).status).toBe(404)
  const [a, b] = [host('crud-a', { attributes: [RACK, ZONE] }), host('crud-b', { attributes: [ZONE] })]
  assertFullyPopulated(hostAttributes, a, ['version'])
  await save(a)
  await save(a)
  expect(await fetch('crud-a')).toEqual(a)
  await save(b)

  const changed = { ...a, attributes: [{ name: 'model', values: ['T4'] }] }
  expect(await save(changed)).toBe(true)
  expect(await fetch('crud-a')).toEqual(changed)
  expect(await save({ ...changed, mode: 'DRAINED' })).toBe(true)
  expect(await fetch('crud-a')).toEqual({ ...changed, mode: 'DRAINED' })
  const { slaveId, ...without } = changed
  expect(await save(without)).toBe(true)
  expect(await fetch('crud-a')).toEqual(without)
  expect(await fetch('crud-b')).toEqual(b)
  const listed = (await api.list('/v1/hosts')).map((each) => each.host).filter((name) => name.startsWith('crud-'))
  expect(listed).toEqual(['crud-a', 'crud-b'])
})

test('an attribute must have a value (testEmptyAttributeValues)', async () => {
  const record = host('no-values', { attributes: [RACK, { name: 'empty', values: [] }] })
  const { status, body } = await api.transact([{ op: 'saveHostAttributes', hostAttributes: record }])
  expect([status, body.code]).toEqual([400, 'invalid_field'])
  expect(body.errors[0].path).toBe('operations.0.hostAttributes.attributes.1.values')
  expect((await api.get('/v1/hosts/no-values')).status).toBe(404)
})

test('a host may have no attributes (testNoAttributes)', async () => {
  expect(await save(host('none'))).toBe(true)
  expect(await fetch('none')).toEqual(host('none'))
})

test('a host must have a mode (testNoMode)', async () => {
  const { mode, ...record } = host('no-mode')
  const { status, body } = await api.transact([{ op: 'saveHostAttributes', hostAttributes: record }])
  expect([status, body.code]).toEqual([400, 'invalid_field'])
  expect(body.errors[0].path).toBe('operations.0.hostAttributes.mode')
  expect((await api.get('/v1/hosts/no-mode')).status).toBe(404)
})

test('attributes that are left out are stored as none (testSaveAttributesEmpty)', async () => {
  const { attributes, ...record } = host('left-out')
  await save(record)
  expect(await fetch('left-out')).toEqual({ ...record, attributes: [] })
})

test('the agent under a host may change, and two hosts may have one agent (testSlaveIdChanges)', async () => {
  await save(host('agent', { slaveId: 'one' }))
  expect(await save(host('agent', { slaveId: 'two' }))).toBe(true)
  expect(await fetch('agent')).toEqual(host('agent', { slaveId: 'two' }))
  expect(await save(host('agent-2', { slaveId: 'two' }))).toBe(true)
})

test('changing a host leaves the tasks on it as they are (testUpdateAttributesWithRelations)', async () => {
  const store = new TaskStore(api)
  await save(host('related', { slaveId: 'one' }))
  await store.save(taskIn('related', 'related-1', { slaveHost: 'related', slaveId: 'one', status: 'RUNNING' }))
  const before = await store.fetch('related-1')
  expect(await save(host('related', { slaveId: 'two', mode: 'DRAINING' }))).toBe(true)
  expect(await store.fetch('related-1')).toEqual(before)
  expect(await store.ids('slaveHost=related')).toEqual(['related-1'])
})

test('attributes can be asked for in SQL, one row a value', async () => {
  await save(host('sql', { attributes: [RACK] }))
  const { body } = await api.query(`select name, value from host_attribute where host = 'sql' order by 1, 2`)
  expect(body.rows).toEqual([
    { name: 'rack', value: 'a' },
    { name: 'rack', value: 'b' },
  ])
})
