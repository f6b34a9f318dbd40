import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { contentHash } from '../../lib/model/canonical.ts'
import { compareText } from '../../lib/model/compare-text.ts'
import type { TaskRow } from '../../lib/model/events.ts'
import { taskConfig } from '../../lib/model/task-config.ts'
import { ChangeSet } from '../../lib/store/change-set.ts'
import { changeStatements } from '../../lib/store/change-statements.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { recordPage } from '../../lib/store/read.ts'
import { rowsOf } from '../../lib/store/read-rows.ts'
import type { ResultSet } from '../../lib/store/result-set.ts'
import { BEGIN, ROLLBACK } from '../../lib/store/statement.ts'
import { selectMatching, type TaskFilter, taskMatches } from '../../lib/store/task-filter.ts'
import { taskPage } from '../../lib/store/tasks.ts'
import { tasksTable } from '../../lib/store/tasks-table.ts'
import { testImage } from '../support/image.ts'

/** The three readings of a task filter find the same tasks: the predicate, the writer's SQL, and the pages. */

const engine = await PgliteEngine.bootImage(await testImage())
afterAll(() => engine.kill())

const ROLES = ['a', 'b', 'A.b-c_d']
const ENVIRONMENTS = ['prod', 'test']
const NAMES = ['x', 'y']
const STATUSES = ['PENDING', 'RUNNING', 'LOST'] as const
const HOSTS = ['h1', 'h2', 'é😀']
const IDS = ['1', '10', '2', 'A', 'a', 'a b', `a'b`, 'a"b\\', '{x,y}', 'NULL', 'é', '\uffee', '😀']

const taskRow: fc.Arbitrary<TaskRow> = fc
  .record({
    taskId: fc.constantFrom(...IDS),
    role: fc.constantFrom(...ROLES),
    environment: fc.constantFrom(...ENVIRONMENTS),
    jobName: fc.constantFrom(...NAMES),
    instanceId: fc.integer({ min: 0, max: 2 }),
    status: fc.constantFrom(...STATUSES),
    slaveHost: fc.option(fc.constantFrom(...HOSTS), { nil: undefined }),
  })
  .map(({ slaveHost, ...row }) => ({
    ...row,
    ...(slaveHost === undefined ? {} : { slaveHost }),
    ...{ configId: 'c', failureCount: 0, timesPartitioned: 0, taskEvents: [], assignedPorts: {}, createdMs: 1 },
  }))

const rowsWithOwnIds = fc.uniqueArray(taskRow, { selector: (row) => row.taskId, maxLength: IDS.length })

/** Some of the values, maybe none or twice, maybe one that no row has. */
const some = <T>(values: readonly T[], other: T) => fc.array(fc.constantFrom(...values, other), { maxLength: 3 })

const filter: fc.Arbitrary<TaskFilter> = fc.record(
  {
    roles: some(ROLES, 'nobody'),
    environments: some(ENVIRONMENTS, 'none'),
    jobNames: some(NAMES, 'none'),
    taskIds: some(IDS, 'none'),
    jobIds: some(
      ROLES.flatMap((role) => NAMES.map((name) => `${role}/prod/${name}`)),
      'a/none/x',
    ),
    instanceIds: some([0, 1, 2], 7),
    statuses: some<string>(STATUSES, 'KILLED'),
    slaveHosts: some(HOSTS, 'none'),
  },
  { requiredKeys: [] },
)

/** Runs work on a store that holds exactly these tasks. */
async function withTasks(tasks: TaskRow[], work: () => Promise<void>): Promise<void> {
  const config = taskConfig.parse({ job: { role: 'a', environment: 'prod', name: 'x' } })
  const changes = new ChangeSet()
  const configs = [{ configId: 'c', config }]
  changes.apply(tasks.length === 0 ? [] : [{ event: 'tasksSaved', v: 1, tasks, configs }], { version: 1, timeMs: 1 })
  const mark = { previousLsn: 0, lsn: 1, hash: contentHash(tasks), timeMs: 1 }
  try {
    await engine.run([BEGIN, ...changeStatements(changes, () => undefined, mark)])
    await work()
  } finally {
    await engine.run([ROLLBACK])
  }
}

async function pages(of: TaskFilter, limit: number): Promise<string[]> {
  const ids: string[] = []
  for (let after: string | undefined; ; ) {
    const [result] = (await engine.run([taskPage(of, { after, limit })])) as [ResultSet]
    const { items, nextKey } = recordPage(result, limit)
    for (const { assignedTask } of JSON.parse(items)) ids.push(assignedTask.taskId)
    if (nextKey === undefined) return ids
    after = nextKey
  }
}

test('the predicate, the SQL of mutations and the pages of a list find the same tasks in the same order', async () => {
  await fc.assert(
    fc.asyncProperty(
      rowsWithOwnIds,
      fc.array(filter, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      (tasks, filters, limit) =>
        withTasks(tasks, async () => {
          for (const each of filters) {
            const expected = tasks
              .filter((row) => taskMatches(each, row))
              .sort((a, b) => compareText(a.taskId, b.taskId))
            const [all, few] = await engine.run([selectMatching(each, 1_000), selectMatching(each, limit)])
            const found = rowsOf(tasksTable, all).map(({ row }) => row)
            expect(found.sort((a, b) => compareText(a.taskId, b.taskId))).toEqual(expected)
            expect(rowsOf(tasksTable, few)).toHaveLength(Math.min(limit, expected.length))
            expect(await pages(each, limit)).toEqual(expected.map((row) => row.taskId))
          }
        }),
    ),
    { numRuns: 150 },
  )
}, 60_000)

test('each restriction alone finds what it should', async () => {
  const job = { environment: 'prod', jobName: 'x', instanceId: 0, configId: 'c', failureCount: 0, timesPartitioned: 0 }
  const row = (taskId: string, rest: Partial<TaskRow>): TaskRow => ({
    ...{ taskId, role: 'a', status: 'PENDING', taskEvents: [], assignedPorts: {}, createdMs: 1, ...job },
    ...rest,
  })
  const tasks = [
    row('1', {}),
    row('2', { role: 'b' }),
    row('3', { environment: 'test' }),
    row('4', { jobName: 'y' }),
    row('5', { instanceId: 1 }),
    row('6', { status: 'LOST' }),
    row('7', { slaveHost: 'h1' }),
  ]
  const cases: [TaskFilter, string][] = [
    [{}, '1234567'],
    [{ roles: ['b'] }, '2'],
    [{ environments: ['test'] }, '3'],
    [{ jobNames: ['y'] }, '4'],
    [{ jobIds: ['a/test/x', 'a/prod/y'] }, '34'],
    [{ instanceIds: [1] }, '5'],
    [{ statuses: ['LOST'] }, '6'],
    [{ slaveHosts: ['h1'] }, '7'],
    [{ taskIds: ['1', '7'] }, '17'],
    [{ slaveHosts: [] }, ''],
  ]
  await withTasks(tasks, async () => {
    for (const [each, expected] of cases) {
      expect((await pages(each, 2)).join('')).toBe(expected)
      expect(
        tasks
          .filter((task) => taskMatches(each, task))
          .map((task) => task.taskId)
          .join(''),
      ).toBe(expected)
    }
  })
})

test('texts are compared as Postgres compares them', async () => {
  const { rows } = (
    await engine.run([
      {
        sql: 'select x from unnest($1::text[]) x order by x',
        params: [`{${IDS.map((id) => JSON.stringify(id)).join(',')}}`],
      },
    ])
  )[0]!
  expect([...IDS].sort(compareText)).toEqual(rows.map(([cell]) => cell!.toString()))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})
