import { expect, onTestFinished, test } from 'vitest'
import { compareKeysOf, type Readable } from '../../lib/difference/compare.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { statement } from '../../lib/store/statement.ts'
import type { Table } from '../../lib/store/table.ts'
import { tasksTable } from '../../lib/store/tasks-table.ts'
import { testImage } from '../support/image.ts'

/** More than a call of a function takes arguments. */
const MANY = 200_000

async function storeWith(...sql: string[]): Promise<Readable> {
  const engine = await PgliteEngine.bootImage(await testImage())
  onTestFinished(() => engine.kill())
  await engine.run(sql.map((each) => statement(each)))
  return { read: (statements) => engine.run(statements) }
}

const task = (key: string, status: string) =>
  `select ${key}, 'www', 'prod', 'hello', 'www/prod/hello', 1, '${status}', 'c', 0, 0, '[]', '{}', 1, 1, 1`
const INSERT =
  'insert into task (task_id, role, environment, job_name, job_id, instance_id, status, config_id, failure_count, ' +
  'times_partitioned, task_events, assigned_ports, created_ms, updated_ms, version)'

test('rows of some keys differ in what one store has, what both have otherwise, and nothing else', {
  timeout: 120_000,
}, async () => {
  const live = await storeWith(
    'set session_replication_role = replica',
    `${INSERT} ${task(`'t' || i`, 'RUNNING')} from generate_series(1, ${MANY}) i`,
    `${INSERT} ${task(`'same'`, 'RUNNING')}`,
    `${INSERT} ${task(`'other'`, 'RUNNING')}`,
  )
  const target = await storeWith(
    'set session_replication_role = replica',
    `${INSERT} ${task(`'same'`, 'RUNNING')}`,
    `${INSERT} ${task(`'other'`, 'LOST')}`,
    `${INSERT} ${task(`'a'`, 'RUNNING')}`,
    `${INSERT} ${task(`'z'`, 'RUNNING')}`,
  )
  const many = Array.from({ length: MANY }, (_, index) => `t${index + 1}`)
  const keys = ['z', 'same', 'other', 'nowhere', 'a', ...many]
  const { added, changed, removed } = await compareKeysOf(tasksTable as Table, keys, live, target)
  expect(added.map(({ key }) => key)).toEqual(['a', 'z'])
  expect(changed.map(({ key }) => key)).toEqual(['other'])
  expect(removed.map(({ key }) => key)).toEqual(many.sort())
  // Nothing behind them that is in the target, too.
  const rest = await compareKeysOf(tasksTable as Table, many, live, target)
  expect(rest.removed).toHaveLength(MANY)
})
