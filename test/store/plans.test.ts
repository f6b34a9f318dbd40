import { expect, test } from 'vitest'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { type Engine, PgliteEngine } from '../../lib/store/engine.ts'
import { jobPage } from '../../lib/store/jobs.ts'
import { jsonOf } from '../../lib/store/protocol.ts'
import { roleByName } from '../../lib/store/roles.ts'
import type { Statement } from '../../lib/store/statement.ts'
import { taskById, taskPage } from '../../lib/store/tasks.ts'
import { announceBatch } from '../../lib/writer/evaluate.ts'
import { submissionOf } from '../../lib/writer/submission.ts'
import { testImage } from '../support/image.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, host, quota, task } from '../support/records.ts'
import { emptyStore, entriesOf } from '../support/state.ts'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Plan[]
}

/** Tables whose size must not matter. */
const LARGE = ['task', 'task_config', 'job', 'idempotency', 'departure', 'host', 'quota']

function scans(plan: Plan): string[] {
  const own = plan['Node Type'] === 'Seq Scan' && LARGE.includes(plan['Relation Name']!) ? [plan['Relation Name']!] : []
  return [...own, ...(plan.Plans ?? []).flatMap(scans)]
}

/** Scans in the generic plan that is made on the empty store, the one that a prepared statement keeps. */
async function scansOf(engine: Engine, statement: Statement): Promise<string[]> {
  const name = `p${Math.random().toString(36).slice(2)}`
  const nulls = statement.params.map(() => 'null').join(', ')
  await engine.run([{ sql: `prepare ${name} as ${statement.sql}`, params: [] }])
  const [result] = await engine.run([
    { sql: `explain (format json) execute ${name}${nulls === '' ? '' : `(${nulls})`}`, params: [] },
  ])
  return jsonOf<{ Plan: Plan }[]>(result)!.flatMap(({ Plan }) => scans(Plan))
}

async function emptyEngine(): Promise<PgliteEngine> {
  return PgliteEngine.bootImage(await testImage())
}

const requests = [
  {
    preconditions: [
      { entity: 'task', key: 't1', absent: true },
      { entity: 'job', key: 'www/prod/hello', exists: true },
      { entity: 'role', key: 'www', exists: true },
      { entity: 'task', scope: {}, unchangedSince: 1 },
      { entity: 'task', scope: { role: 'www' }, unchangedSince: 1 },
      { entity: 'task', scope: { job: 'www/prod/hello' }, unchangedSince: 1 },
      { entity: 'task', scope: { host: 'h' }, unchangedSince: 1 },
      { entity: 'quota', scope: { role: 'www' }, unchangedSince: 1 },
      { entity: 'host', scope: { host: 'h' }, unchangedSince: 1 },
    ],
    operations: [
      { op: 'saveTasks', tasks: [task('t1')] },
      { op: 'mutateTasks', query: { taskIds: ['t1'] }, patch: { status: 'RUNNING' } },
      {
        op: 'mutateTasks',
        query: { jobKeys: [{ role: 'www', environment: 'prod', name: 'hello' }] },
        patch: { status: 'RUNNING' },
      },
      { op: 'mutateTasks', query: { role: 'www' }, patch: { status: 'RUNNING' } },
      { op: 'mutateTasks', query: { slaveHosts: ['h'], statuses: ['PENDING'] }, patch: { status: 'RUNNING' } },
      { op: 'mutateTasks', query: { statuses: ['PENDING'] }, patch: { status: 'RUNNING' } },
      { op: 'removeTasks', taskIds: ['t1'] },
      { op: 'saveQuota', role: 'www', quota: quota(1) },
      { op: 'saveHostAttributes', hostAttributes: host('h') },
    ],
  },
].map((request) => transactionRequest.parse(request))

test('what a batch reads is found by index, whatever the number of rows', async () => {
  const engine = await emptyEngine()
  const submission = { ...submissionOf(requests[0]!, { principal: 'p', key: 'k' }) }
  const { statements } = announceBatch([submission as never]).plan()
  expect(statements.length).toBeGreaterThan(10)
  for (const statement of statements) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})

test('what a batch writes is found by index, whatever the number of rows', async () => {
  const { node } = await memoryNode()
  const both = [task('a'), task('b', { task: config({ priority: 1 }) })]
  for (const operation of [
    { op: 'saveTasks', tasks: both },
    { op: 'saveQuota', role: 'www', quota: quota(1) },
    { op: 'saveHostAttributes', hostAttributes: host('h') },
    { op: 'removeTasks', taskIds: ['a'] },
    { op: 'removeQuota', role: 'www' },
  ]) {
    await node.submit(transactionRequest.parse({ operations: [operation] }), { principal: 'p', key: operation.op })
  }
  const store = await emptyStore(node.log)
  const written: Statement[] = []
  for (const entry of await entriesOf(node.log)) written.push(...(await store.apply([entry])).statements)
  await store.engine.kill()
  expect(written.length).toBeGreaterThan(12)
  const engine = await emptyEngine()
  for (const statement of written) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})

test('pages and single records are found by index', async () => {
  const engine = await emptyEngine()
  const page = { limit: 100, after: 'x' }
  const reads = [
    taskById('t'),
    taskPage({}, page),
    taskPage({ taskIds: ['t'] }, page),
    taskPage({ jobIds: ['a/b/c'], statuses: ['RUNNING'] }, page),
    taskPage({ slaveHosts: ['h'] }, page),
    taskPage({ roles: ['www'] }, page),
    taskPage({ statuses: ['PENDING', 'RUNNING'] }, page),
    jobPage({ roles: ['www'], environments: [] }, page),
    roleByName('www'),
  ]
  for (const statement of reads) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})
