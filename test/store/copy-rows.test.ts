import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { TaskRow } from '../../lib/model/events.ts'
import { insert } from '../../lib/store/copy-rows.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { AS_REPLICA, BEGIN, ROLLBACK, statement } from '../../lib/store/statement.ts'
import { type Table, upsert } from '../../lib/store/table.ts'
import { tasksTable } from '../../lib/store/tasks-table.ts'
import { testImage } from '../support/image.ts'

const engine = await PgliteEngine.bootImage(await testImage())
afterAll(() => engine.kill())

/** Whatever COPY could take for something else, but the one character that no text of the database may have. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '\\N', '\\.', '\\', '\t', 'a\nb', '\r\n', '\\t', 'NULL', '"', '{}', 'é😀'),
  )
  .map((each) => each.replaceAll('\0', ''))

const taskRow: fc.Arbitrary<TaskRow> = fc
  .record({
    ...{ taskId: text, role: text, environment: text, jobName: text, configId: text },
    ...{
      slaveHost: text,
      slaveId: text,
      ancestorId: text,
      status: fc.constantFrom('RUNNING' as const, 'LOST' as const),
    },
    instanceId: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    createdMs: fc.maxSafeInteger(),
    taskEvents: fc.array(fc.record({ timestampMs: fc.nat(), status: fc.constant('RUNNING' as const), message: text })),
    assignedPorts: fc.dictionary(text, fc.nat()),
  })
  .map((row) => ({ ...row, failureCount: 0, timesPartitioned: 0 }) as unknown as TaskRow)

const ROWS = statement('select json_agg(t order by task_id) from task t')

test('rows are the same, whether they are copied in or put over those that are there', async () => {
  const written = async (write: typeof insert, rows: TaskRow[]) => {
    const puts = rows.map((row) => ({ row, meta: { version: 7, timeMs: 8 } }))
    try {
      const [, , , found] = await engine.run([BEGIN, AS_REPLICA, write(tasksTable as Table, puts), ROWS])
      return found!.rows[0]![0]?.toString()
    } finally {
      await engine.run([ROLLBACK])
    }
  }
  const someRows = fc.uniqueArray(taskRow, { selector: ({ taskId }) => taskId, minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(someRows, async (rows) => {
      expect(await written(insert, rows)).toBe(await written(upsert, rows))
    }),
    { numRuns: 200 },
  )
})

test('a row that is there is a violated constraint, and a value of another type an error of SQL', async () => {
  const [row] = fc.sample(taskRow, { numRuns: 1, seed: 3 })
  const put = (change: object) => ({ row: { ...row!, ...change }, meta: { version: 1, timeMs: 1 } })
  const copying = (...puts: ReturnType<typeof put>[]) =>
    engine.run([BEGIN, AS_REPLICA, insert(tasksTable as Table, puts)]).finally(() => engine.run([ROLLBACK]))
  await expect(copying(put({}), put({}))).rejects.toMatchObject({ code: '23505', index: 2 })
  await expect(copying(put({ instanceId: 'one' }))).rejects.toMatchObject({ code: '22P02', index: 2 })
  await engine.run([statement('select 1')])
})
