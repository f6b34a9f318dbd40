import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../lib/model/errors.ts'
import { rawRequest } from '../support/raw-request.ts'
import { fullConfig, fullTask, host, quota, task } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** What a body can have wrong with it: a 4xx that says so, and nothing has changed. */

const api = await memoryApi({ cleanup: afterAll })
const store = new TaskStore(api)

beforeAll(async () => {
  await store.save(taskIn('www', 't-1'))
})

const post = (body: string | Uint8Array, headers: Record<string, string> = {}, chunked = false) =>
  rawRequest(api.url, {
    method: 'POST',
    path: '/v1/transactions',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    chunked,
  })

const refusedBody = (code: ErrorCode, body: string | Uint8Array) => expectRefused(api, code, () => post(body))

const refused = (path: string, ...operations: unknown[]) =>
  expectRefused(api, 'invalid_field', () => api.transact(operations), path)

const saveTask = (change: object) => ({ op: 'saveTasks', tasks: [{ ...task('t-2'), ...change }] })
const saveConfig = (change: object) => ({
  op: 'saveTasks',
  tasks: [task('t-2', { task: { ...fullConfig, ...change } })],
})

describe('text that is no request', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'operations'],
    ['JSON that ends too early', '{"operations": [{"op": "removeQuota"'],
    ['JSON with something behind it', '{"operations": []} x'],
    ['a number that JSON does not have', '{"operations": [NaN]}'],
    ['single quotes', "{'operations': []}"],
    ['a comma too many', '{"operations": [],}'],
    ['a raw control character', '{"operations": "\u0001"}'],
  ])('%s is malformed', async (_name, body) => {
    await refusedBody('malformed', body)
  })

  test('bytes that are no UTF-8 are malformed, not replaced', async () => {
    const text = JSON.stringify({ operations: [{ op: 'removeTasks', taskIds: ['t-?'] }] })
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
      const [before, after] = text.split('?')
      await refusedBody('malformed', Buffer.concat([Buffer.from(before!), Buffer.from(bytes), Buffer.from(after!)]))
    }
  })

  test.each(['null', '[]', '"text"', '7', '{}', '{"operations": null}', '{"operations": {}}'])(
    '%s is not a transaction',
    async (body) => {
      await refusedBody('invalid_field', body)
    },
  )

  test('a hundred thousand levels are refused like any other wrong type', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const objects = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
    for (const body of [deep, objects, `{"operations": ${deep}}`, `{"operations": [${objects}]}`]) {
      await refusedBody('invalid_field', body)
    }
    const where = `{"operations": [], "preconditions": [{"entity": "task", "key": "t-1", "where": {"status": ${deep}}}]}`
    await refusedBody('invalid_field', where)
    await refusedBody('malformed', '['.repeat(1_000_000))
  })
})

describe('a request that is too large', () => {
  const large = `{"operations": [], "padding": "${'x'.repeat(10 * 1024 * 1024)}"}`

  test('a body of 10 MB is refused, with and without its length in the header', async () => {
    await expectRefused(api, 'too_large', () => post(large))
    await expectRefused(api, 'too_large', () => post(large, {}, true))
    await expectRefused(api, 'too_large', () => api.send('POST', '/v1/transactions', large))
    await expectRefused(api, 'too_large', () => api.send('POST', '/v1/query', large))
  })

  test('100,000 operations are too many, and so are 5,001; 5,000 are not', async () => {
    const removals = (count: number) => Array.from({ length: count }, () => ({ op: 'removeQuota', role: 'r' }))
    await expectRefused(api, 'too_many_operations', () => api.transact(removals(100_000)))
    await expectRefused(api, 'too_many_operations', () => api.transact(removals(5_001)))
    expect((await api.transact(removals(5_000))).status).toBe(200)
  })

  test('501 preconditions are too many; 500 are not', async () => {
    const preconditions = Array.from({ length: 501 }, () => ({ entity: 'task', key: 't-1', exists: true }))
    await expectRefused(api, 'too_large', () => api.transact([], { preconditions }))
    expect((await api.transact([], { preconditions: preconditions.slice(1) })).status).toBe(200)
  })
})

describe('fields and types', () => {
  test.each([
    ['an unknown operation', 'operations.0.op', { op: 'dropEverything' }],
    ['no operation at all', 'operations.0.op', {}],
    ['an operation that is null', 'operations.0', null],
    ['the name of a method of objects', 'operations.0.op', { op: 'constructor' }],
    ['an unknown field', 'operations.0', { op: 'removeQuota', role: 'r', force: true }],
    ['an unknown field further down', 'operations.0.tasks.0', saveTask({ priority: 1 })],
    ['an unknown field in a config', 'operations.0.tasks.0.assignedTask.task', saveConfig({ cpus: 1 })],
    ['a missing field', 'operations.0.role', { op: 'saveQuota', quota: quota(1) }],
    ['text for a number', 'operations.0.tasks.0.failureCount', saveTask({ failureCount: '1' })],
    ['a number for text', 'operations.0.role', { op: 'removeQuota', role: 7 }],
    ['null for an optional field', 'operations.0.tasks.0.ancestorId', saveTask({ ancestorId: null })],
    ['an object for a list', 'operations.0.tasks', { op: 'saveTasks', tasks: {} }],
    ['an unknown status', 'operations.0.tasks.0.status', saveTask({ status: 'RUNING' })],
    ['a status in lower case', 'operations.0.tasks.0.status', saveTask({ status: 'running' })],
    ['no tasks', 'operations.0.tasks', { op: 'saveTasks', tasks: [] }],
    ['a task twice', 'operations.0.tasks', { op: 'saveTasks', tasks: [task('t-2'), task('t-3'), task('t-2')] }],
    ['neither ids nor query', 'operations.0', { op: 'removeTasks' }],
    ['ids and query', 'operations.0', { op: 'removeTasks', taskIds: ['t-1'], query: { role: 'www' } }],
    [
      'a container of two kinds',
      'operations.0.tasks.0.assignedTask.task.container',
      saveConfig({ container: { mesos: {}, docker: { image: 'i' } } }),
    ],
  ])('%s is refused', async (_name, path, operation) => {
    await refused(path, operation)
  })

  test.each(['taskIds', 'jobKeys', 'instanceIds', 'statuses', 'slaveHosts'])(
    'an empty list in a mutation is refused: %s',
    async (field) => {
      await refused(`operations.0.query.${field}`, {
        op: 'mutateTasks',
        query: { [field]: [] },
        patch: { status: 'LOST' },
      })
      await refused(`operations.0.query.${field}`, { op: 'removeTasks', query: { role: 'www', [field]: [] } })
    },
  )

  test('a mutation must say what it means: no query, an empty one, null, or "all" with something else are refused', async () => {
    const patch = { status: 'LOST' }
    await refused('operations.0.query', { op: 'mutateTasks', patch })
    await refused('operations.0.query', { op: 'mutateTasks', query: {}, patch })
    await refused('operations.0.query', { op: 'mutateTasks', query: { all: true, role: 'www' }, patch })
    await refused('operations.0.query.role', { op: 'mutateTasks', query: { role: null }, patch })
    await refused('operations.0.query.role', { op: 'mutateTasks', query: { role: '' }, patch })
    await refused('operations.0.query.all', { op: 'mutateTasks', query: { all: false }, patch })
    await refused('operations.0.taskIds', { op: 'removeTasks', taskIds: [] })
    await refused('operations.0.query', { op: 'removeTasks', query: {} })
  })

  test('a field called __proto__ is unknown like any other, wherever it stands', async () => {
    const operations = [
      '{"op": "removeQuota", "role": "r", "__proto__": {"role": "x"}}',
      '{"op": "removeQuota", "__proto__": {"role": "x"}}',
      '{"op": "mutateTasks", "query": {"all": true}, "patch": {"assignedPorts": {"__proto__": 1}}}',
      '{"op": "mutateTasks", "query": {"all": true}, "patch": {"\\u005f_proto_\\u005F": 1}}',
      '{"op": "mutateTasks", "query": {"all": true}, "patch": {"assignedPorts": {"a": 1, "\\u005f_proto__": {}}}}',
    ]
    for (const operation of operations) await refusedBody('invalid_field', `{"operations": [${operation}]}`)
    await refusedBody('invalid_field', '{"operations": [], "__proto__": {"operations": []}}')
    expect(({} as { role?: string }).role).toBeUndefined()
  })

  test('names that objects inherit are names like any other where names are free', async () => {
    const ports = { constructor: 1, hasOwnProperty: 2, toString: 3 }
    await store.save(task('inherited', { assignedPorts: ports }))
    expect((await store.fetch('inherited')).assignedTask.assignedPorts).toEqual(ports)
    await store.remove('inherited')
  })
})

describe('numbers', () => {
  const ramMb = (value: unknown) => saveConfig({ resources: [{ ramMb: value }] })
  test.each([
    ['negative CPUs', saveConfig({ resources: [{ numCpus: -1 }] })],
    ['CPUs beyond what a double holds', '{"numCpus": 1e999}'],
    ['text for CPUs', saveConfig({ resources: [{ numCpus: 'NaN' }] })],
    ['null for CPUs', saveConfig({ resources: [{ numCpus: null }] })],
    ['negative RAM', ramMb(-1)],
    ['RAM beyond int64', ramMb('9223372036854775808')],
    ['RAM that has lost digits', ramMb(2 ** 53 + 2)],
    ['an instance below zero', saveTask({ assignedTask: { ...task('t-2').assignedTask, instanceId: -1 } })],
    ['an instance beyond int32', saveTask({ assignedTask: { ...task('t-2').assignedTask, instanceId: 2 ** 31 } })],
    ['a priority beyond int32', saveConfig({ priority: 2 ** 31 })],
    ['a priority that is no whole number', saveConfig({ priority: 0.5 })],
    ['a time beyond int64', saveTask({ taskEvents: [{ timestamp: '-9223372036854775809', status: 'LOST' }] })],
    ['a port beyond 65535', saveTask({ assignedTask: { ...task('t-2').assignedTask, assignedPorts: { p: 65_536 } } })],
    ['failures below zero', saveTask({ failureCount: -1 })],
  ])('%s are refused', async (_name, operation) => {
    if (typeof operation !== 'string')
      return void (await expectRefused(api, 'invalid_field', () => api.transact([operation])))
    const text = JSON.stringify({ operations: [saveConfig({ resources: ['?'] })] })
    await refusedBody('invalid_field', text.replace('"?"', operation))
  })

  test('the extremes of int64 and int32 are kept', async () => {
    const taskEvents = ['-9223372036854775808', '9223372036854775807'].map((timestamp) => ({
      timestamp,
      status: 'LOST',
    }))
    const saved = fullTask('extremes')
    saved.assignedTask.instanceId = 2 ** 31 - 1
    saved.assignedTask.task = {
      ...fullConfig,
      priority: -(2 ** 31),
      slaPolicy: { count: { count: '9223372036854775807', durationSecs: 0 } },
    }
    const version = await store.save({ ...saved, taskEvents })
    expect(await store.fetch('extremes')).toEqual({ ...saved, taskEvents, version })
    await store.remove('extremes')
  })
})

describe('text', () => {
  const places: [string, (text: string) => unknown][] = [
    ['a task id', (text) => ({ op: 'saveTasks', tasks: [task(text)] })],
    ['a task id to remove', (text) => ({ op: 'removeTasks', taskIds: [text] })],
    ['a host', (text) => ({ op: 'saveHostAttributes', hostAttributes: host(text) })],
    ['a port name', (text) => ({ op: 'saveTasks', tasks: [task('t-2', { assignedPorts: { [text]: 1 } })] })],
    ['a message', (text) => saveTask({ taskEvents: [{ timestamp: 1, status: 'LOST', message: text }] })],
    ['a value', (text) => saveConfig({ metadata: [{ key: 'k', value: text }] })],
    ['the executor', (text) => saveConfig({ executorConfig: { name: 'n', data: text } })],
    ['a precondition', (text) => ({ entity: 'task', key: text, absent: true })],
  ]
  const send = (operation: unknown) =>
    'entity' in (operation as object) ? api.transact([], { preconditions: [operation] }) : api.transact([operation])

  test.each(places)('NUL and lone surrogates in %s are refused', async (_name, of) => {
    for (const text of ['a\u0000b', '\u0000', '\ud800', 'a\udc00b', '\udc00\ud800']) {
      await expectRefused(api, 'invalid_field', () => send(of(text)))
    }
  })

  test.each(places)('characters of four bytes work in %s', async (_name, of) => {
    expect((await send(of('😀 𐍈 é\n\t"\\'))).status).toBe(200)
  })

  test('a name of 255 bytes works in every place, a longer one is refused', async () => {
    const longest = `${'é'.repeat(127)}x`
    await store.save(task(longest, { slaveHost: longest }))
    expect((await store.fetch(longest)).assignedTask.slaveHost).toBe(longest)
    await store.remove(longest)
    await refused('operations.0.tasks.0.assignedTask.taskId', { op: 'saveTasks', tasks: [task(`${longest}x`)] })
    await refused('operations.0.tasks.0.assignedTask.taskId', { op: 'saveTasks', tasks: [task('')] })
  })

  test.each(['', 'a b', 'a/b', '../a', 'é', '😀', 'a\n', 'a%2fb', 'x'.repeat(256)])('%j is no role', async (role) => {
    await refused('operations.0.role', { op: 'saveQuota', role, quota: quota(1) })
    await refused(
      'operations.0.tasks.0.assignedTask.task.job.role',
      saveConfig({ job: { role, environment: 'e', name: 'n' } }),
    )
  })
})
