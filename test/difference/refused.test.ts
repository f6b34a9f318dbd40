import { expect, test } from 'vitest'
import { once } from '../../lib/difference/kept-operation.ts'
import { moveStore } from '../../lib/difference/move.ts'
import type { BorealEvent } from '../../lib/model/events.ts'
import { hashOfKey } from '../../lib/model/idempotency-key.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { moveContextOf } from '../../lib/node/move-context.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { request, saveTask } from '../support/requests.ts'
import { unsent } from '../support/scripted-log.ts'
import { FaultyObjects, submitAll } from '../support/snapshots.ts'
import { entriesOf } from '../support/state.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** What becomes of a move that does not come through. */

const as = { principal: 'p' }
const move = { principal: 'p', reason: 'test' }
const REQUEST = '0'.repeat(64)

const INDEXES = `select string_agg(indexdef, ' ' order by indexdef) from pg_indexes where tablename = 'task'`

/** An update of a job that there is not. */
const dangling: BorealEvent = {
  event: 'rowsPut',
  v: 1,
  entity: 'jobUpdateEvent',
  rows: [{ update: 'a/b/c/u', eventId: '#0', ordinal: 0, status: 'ROLLED_BACK', timestampMs: 1 }],
}

test.each([undefined, 1])(
  'rows that break a constraint are refused with everything beside them (frames of %s rows)',
  { timeout: 60_000 },
  async (frameRows) => {
    const { node } = await memoryNode(frameRows === undefined ? {} : { frameRows })
    await node.submit(request([saveTask('a')]), as)
    const quota = { role: 'r', quota: { resources: [{ numCpus: 1 }, { ramMb: 1 }, { diskMb: 1 }] } }
    const stage = node.log.stage()
    await stage.add([{ event: 'rowsPut', v: 1, entity: 'quota', rows: [quota] }])
    await stage.add([dangling])
    const submitted = node.submitAlone({
      ...{ principal: 'p', reason: 'test', deadline: Number.POSITIVE_INFINITY },
      decide: async () => ({ events: [], stage, growth: 0 }),
    })
    await expect(submitted).rejects.toMatchObject({ code: 'constraint_violation' })
    expect(await entriesOf(node.log)).toHaveLength(1)
    const { results } = await node.read([{ sql: 'select count(*) from quota', params: [] }], { level: 'consistent' })
    expect(results[0]!.rows[0]![0]!.toString()).toBe('0')
    expect((await node.submit(request([saveTask('b')]), as)).lsn).toBe(2)
  },
)

test('many tasks that refer to a config which is not there are refused, though they are not checked one by one', {
  timeout: 120_000,
}, async () => {
  const { node } = await memoryNode()
  await node.submit(request([saveTask('a')]), as)
  const indexes = [{ sql: INDEXES, params: [] }]
  const read = async (statements: typeof indexes) =>
    (await node.read(statements, { level: 'consistent' })).results[0]!.rows[0]![0]!.toString()
  const before = await read(indexes)
  const rows = Array.from({ length: 5_000 }, (_, instanceId) => ({
    ...{ taskId: `t-${instanceId}`, role: 'r', environment: 'e', jobName: 'j', instanceId, status: 'PENDING' as const },
    ...{ configId: 'none', failureCount: 0, timesPartitioned: 0, taskEvents: [], assignedPorts: {}, createdMs: 1 },
  }))
  const stage = node.log.stage()
  await stage.add([{ event: 'rowsPut', v: 1, entity: 'task', rows }])
  await stage.settled()
  const submitted = node.submitAlone({
    ...{ principal: 'p', reason: 'test', deadline: Number.POSITIVE_INFINITY },
    decide: async () => ({ events: [], stage, growth: 0 }),
  })
  await expect(submitted).rejects.toMatchObject({
    code: 'constraint_violation',
    message: expect.stringMatching(/"none".*"task_config"/),
  })
  expect(await entriesOf(node.log)).toHaveLength(1)
  expect(await read([{ sql: 'select count(*) from task', params: [] }])).toBe('1')
  expect(await read(indexes)).toBe(before)
})

test('one that does not reach the log by its deadline has not happened, and is told so', {
  timeout: 60_000,
}, async () => {
  const { node, events } = await memoryNode()
  await node.submit(request([saveTask('a')]), as)
  await node.submit(request([saveTask('b')]), as)
  events.onPut = async () => unsent()
  await expect(moveTo(node, 1, { timeoutMs: 500 })).rejects.toMatchObject({ code: /log_unavailable|deadline_exceeded/ })
  events.onPut = undefined
  expect(await entriesOf(node.log)).toHaveLength(2)
  expect(await moveTo(node, 1)).toMatchObject({ made: true, lsn: 3 })
})

test('whatever step of it fails, everything or nothing has happened, and a retry under its key is safe', {
  timeout: 300_000,
}, async () => {
  const objects = new FaultyObjects(new DirectoryObjects(await temporaryFolder()))
  const { node } = await memoryNode({ frameRows: 2, bodies: objects, objects })
  await submitAll(
    node,
    Array.from({ length: 7 }, (_, index) => request([saveTask(`t-${index}`)])),
  )
  const point = { lsn: node.tailLsn }
  const target = await storeAt(node, point.lsn)
  const wanted = await dataOf(target)
  const steps: string[] = []
  for (let failing = 0; ; failing++) {
    await node.submit(request([{ op: 'removeTasks', query: { all: true } }, saveTask('new')]), as)
    const before = await dataOf(liveStore(node))
    const tail = node.tailLsn
    let step = 0
    let failed: string | undefined
    const fail = (when: string) => (operation: string, key: string) => {
      if (step++ !== failing) return
      failed = `${when} ${operation} ${key.split('/')[1]}`
      throw new Error('the process was killed here')
    }
    objects.fault = { before: fail('before'), after: fail('after') }
    const key = { text: `key-${failing}`, hash: hashOfKey('p', `key-${failing}`), timeMs: undefined, request: REQUEST }
    const run = () =>
      once(
        { objects, storeId: node.storeId, now: Date.now },
        { kind: 'test', key },
        async () => point,
        () => moveStore(moveContextOf(node, systemRuntime), { ...move, target, key, confirm: node.storeId }),
      )
    const outcome = await run().catch(() => undefined)
    objects.fault = {}
    expect([before, wanted], failed).toContainEqual(await dataOf(liveStore(node)))

    const retried = await run()
    expect(retried, failed).toMatchObject({ made: true, lsn: tail + 1 })
    expect(await dataOf(liveStore(node)), failed).toEqual(wanted)
    expect(node.tailLsn, failed).toBe(tail + 1)
    if (outcome !== undefined) expect(retried).toEqual(outcome)
    if (failed === undefined) break
    steps.push(failed)
  }
  await target.engine.kill()
  for (const place of ['operations', 'staged', 'bodies']) expect(steps.join()).toContain(place)
})
