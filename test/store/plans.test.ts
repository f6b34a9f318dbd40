import { expect, test } from 'vitest'
import { operation } from '../../lib/model/operations.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { cronJobById, cronJobPage } from '../../lib/store/cron-jobs.ts'
import { type Engine, PgliteEngine } from '../../lib/store/engine.ts'
import { hostMaintenanceOf, hostMaintenancePage } from '../../lib/store/host-maintenance.ts'
import { instanceEventPage, jobUpdateByKey, jobUpdatePage, jobUpdateProgress } from '../../lib/store/job-updates.ts'
import { jobById, jobPage } from '../../lib/store/jobs.ts'
import { lockOfJob, lockPage } from '../../lib/store/locks.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { roleByName } from '../../lib/store/roles.ts'
import { schedulerState } from '../../lib/store/scheduler.ts'
import type { Statement } from '../../lib/store/statement.ts'
import { taskById, taskPage } from '../../lib/store/tasks.ts'
import { announceBatch } from '../../lib/writer/evaluate.ts'
import { submissionOf } from '../../lib/writer/submission.ts'
import { testImage } from '../support/image.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, fullCronJob, host, jobKey, lock, maintenance, quota, task } from '../support/records.ts'
import { emptyStore, entriesOf } from '../support/state.ts'
import { fullJobUpdate, instanceEvent, updateEvent } from '../support/update-records.ts'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Plan[]
}

/** Tables whose size must not matter. */
const LARGE = [
  ...['task', 'task_config', 'job', 'idempotency', 'departure', 'host', 'quota', 'cron_job', 'host_maintenance'],
  ...['job_update', 'job_update_instructions', 'job_update_config', 'job_update_event', 'job_instance_update_event'],
  'lock',
]

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

const updateKey = { job: jobKey, id: 'u' }

/** Operations on what came with schema 2. */
const STORE_OPERATIONS = [
  { op: 'saveCronJob', jobConfiguration: fullCronJob(jobKey) },
  { op: 'saveHostMaintenanceRequest', request: maintenance('h') },
  { op: 'saveLock', lock: lock(jobKey, 'token') },
  { op: 'saveJobUpdate', jobUpdate: fullJobUpdate(updateKey), lockToken: 'token' },
  { op: 'saveJobUpdateEvent', key: updateKey, event: updateEvent('ABORTED', 1, { id: 'e' }) },
  { op: 'saveJobInstanceUpdateEvent', key: updateKey, event: instanceEvent(0, 'INSTANCE_UPDATED', 1, { id: 'e' }) },
  { op: 'saveFrameworkId', id: 'f' },
  { op: 'pruneJobUpdates', perJobRetainCount: 1, historyPruneThresholdMs: 0 },
  { op: 'removeJobUpdates', keys: [updateKey] },
  { op: 'removeLock', lockKey: { job: jobKey } },
  { op: 'removeHostMaintenanceRequest', host: 'h' },
  { op: 'removeCronJob', jobKey },
]

const JOB_KEY = 'www/prod/hello'

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
      { entity: 'cronJob', key: JOB_KEY, exists: true },
      { entity: 'hostMaintenance', key: 'h', exists: true },
      { entity: 'jobUpdate', key: `${JOB_KEY}/u`, where: { status: 'ABORTED' } },
      { entity: 'lock', key: JOB_KEY, exists: true },
      { entity: 'scheduler', key: '', exists: true },
      { entity: 'hostMaintenance', scope: { host: 'h' }, unchangedSince: 1 },
      ...['job', 'cronJob', 'jobUpdate', 'lock'].flatMap((entity) => [
        { entity, scope: { role: 'www' }, unchangedSince: 1 },
        { entity, scope: { job: JOB_KEY }, unchangedSince: 1 },
      ]),
      { entity: 'role', scope: { role: 'www' }, unchangedSince: 1 },
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
      { op: 'removeQuota', role: 'www' },
      { op: 'saveHostAttributes', hostAttributes: host('h') },
      { op: 'removeHostAttributes', host: 'h' },
      ...STORE_OPERATIONS,
    ],
  },
].map((request) => transactionRequest.parse(request))

test('every table of the state is looked at, and every operation', async () => {
  const engine = await emptyEngine()
  const tables = `select json_agg(table_name) from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`
  const [result] = await engine.run([{ sql: tables, params: [] }])
  for (const table of jsonOf<string[]>(result)!) expect([...LARGE, 'scheduler']).toContain(table)
  const operations = new Set(requests.flatMap((request) => request.operations.map(({ op }) => op)))
  expect([...operations].sort()).toEqual(operation.options.map((option) => option.shape.op.value).sort())
  await engine.kill()
})

test('what a batch reads is found by index, whatever the number of rows', async () => {
  const engine = await emptyEngine()
  const { key } = submissionOf(requests[0]!, { principal: 'p', key: 'k' })
  const { statements } = announceBatch([{ request: requests[0]!, key }]).plan()
  expect(statements.length).toBeGreaterThan(10)
  for (const statement of statements) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})

test('a batch of many transactions reads with as many statements as one', () => {
  const transaction = (id: number) =>
    transactionRequest.parse({
      preconditions: [
        { entity: 'task', key: `t${id}`, where: { status: 'PENDING' } },
        { entity: 'task', scope: { job: `www/prod/j${id}` }, unchangedSince: 1 },
        { entity: 'task', scope: { host: `h${id}` }, unchangedSince: 1 },
        { entity: 'role', scope: { role: `r${id}` }, unchangedSince: 1 },
      ],
      operations: [
        { op: 'saveTasks', tasks: [task(`new${id}`)] },
        { op: 'mutateTasks', query: { taskIds: [`t${id}`], statuses: ['PENDING'] }, patch: { status: 'RUNNING' } },
        { op: 'removeTasks', query: { taskIds: [`old${id}`] } },
        { op: 'saveHostAttributes', hostAttributes: host(`h${id}`) },
      ],
    })
  const statementsOf = (count: number) =>
    announceBatch(Array.from({ length: count }, (_, id) => ({ request: transaction(id), key: undefined }))).plan()
      .statements
  expect(statementsOf(50)).toHaveLength(statementsOf(1).length)
})

test('what a batch writes is found by index, whatever the number of rows', async () => {
  const { node } = await memoryNode()
  const both = [task('a'), task('b', { task: config({ priority: 1 }) })]
  const operations = [
    { op: 'saveTasks', tasks: both },
    { op: 'saveQuota', role: 'www', quota: quota(1) },
    { op: 'saveHostAttributes', hostAttributes: host('h') },
    { op: 'removeHostAttributes', host: 'h' },
    { op: 'removeTasks', taskIds: ['a'] },
    { op: 'removeQuota', role: 'www' },
    ...STORE_OPERATIONS,
    { op: 'saveJobUpdate', jobUpdate: fullJobUpdate(updateKey) },
    { op: 'saveJobUpdateEvent', key: updateKey, event: updateEvent('ABORTED', 1) },
    { op: 'pruneJobUpdates', perJobRetainCount: 0, historyPruneThresholdMs: 0 },
  ]
  for (const [index, operation] of operations.entries()) {
    await node.submit(transactionRequest.parse({ operations: [operation] }), { principal: 'p', key: `${index}` })
  }
  const store = await emptyStore(node.log)
  // Rows that are copied in need no plan.
  const written: Statement[] = []
  for (const entry of await entriesOf(node.log))
    written.push(...(await store.apply([entry])).statements.filter(({ copy }) => copy === undefined))
  await store.engine.kill()
  expect(written.length).toBeGreaterThan(12)
  const engine = await emptyEngine()
  for (const statement of written) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})

test('pages and single records are found by index', async () => {
  const engine = await emptyEngine()
  const page = { limit: 100, after: 'x' }
  const updatesAfter = { limit: 100, after: '7 www/prod/hello/u' }
  const reads = [
    taskById('t'),
    taskPage({}, page),
    taskPage({ taskIds: ['t'] }, page),
    taskPage({ jobIds: ['a/b/c'], statuses: ['RUNNING'] }, page),
    taskPage({ slaveHosts: ['h'] }, page),
    taskPage({ roles: ['www'] }, page),
    taskPage({ statuses: ['PENDING', 'RUNNING'] }, page),
    jobPage({ roles: ['www'], environments: [] }, page),
    jobById(JOB_KEY),
    roleByName('www'),
    cronJobById(JOB_KEY),
    cronJobPage([], page),
    cronJobPage(['www'], page),
    hostMaintenanceOf('h'),
    hostMaintenancePage(page),
    lockOfJob(JOB_KEY),
    lockPage(page),
    schedulerState,
    jobUpdateByKey('www/prod/hello/u'),
    jobUpdateProgress('www/prod/hello/u'),
    jobUpdatePage({}, { limit: 100 }),
    jobUpdatePage({}, updatesAfter),
    jobUpdatePage({ roles: ['www'] }, updatesAfter),
    jobUpdatePage({ jobIds: [JOB_KEY], statuses: ['ABORTED'], users: ['ann'] }, updatesAfter),
    jobUpdatePage({ statuses: ['ROLLING_FORWARD'] }, updatesAfter),
    jobUpdatePage({ users: ['ann'] }, updatesAfter),
    instanceEventPage('www/prod/hello/u', [], { limit: 100, after: '7 3' }),
    instanceEventPage('www/prod/hello/u', [1, 2], { limit: 100, after: '7 3' }),
  ]
  for (const statement of reads) expect(await scansOf(engine, statement), statement.sql).toEqual([])
  await engine.kill()
})
