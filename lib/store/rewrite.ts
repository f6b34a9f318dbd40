import type { ChangeSet } from './change-set.ts'
import { beforeStatements, type RowBefore } from './change-statements.ts'
import type { Runner } from './procedure.ts'
import { rowsOf, selectByKeys } from './read-rows.ts'
import { readBefore } from './rows-before.ts'
import { type Statement, statement } from './statement.ts'
import { remove, type Table } from './table.ts'
import { tasksTable } from './tasks-table.ts'

/**
 * The table of tasks is written anew when most of its rows change in one SQL transaction: they are set aside, what changes is
 * written into the empty table, and what has not is brought back at the end. Written over itself it would hold every row
 * twice, and its indexes would be built over both: they took 2.5 times as long with 215,000 rows.
 *
 * Invariant: a row is in the table if it has been written, otherwise where it was set aside, unless it was removed. Nobody
 * else sees the store until that is over.
 */

const TASKS = tasksTable as Table
const ASIDE: Table = { ...TASKS, name: 'boreal.task_aside' }
const KEY = TASKS.columns[0]!.name
const COLUMNS = TASKS.columns.map(({ name }) => name).join(', ')

export const SET_ASIDE: Statement[] = [
  statement(`create table ${ASIDE.name} as select ${COLUMNS} from task`),
  statement(`create unique index on ${ASIDE.name} (${KEY})`),
  statement('truncate task'),
]

export const BRING_BACK: Statement[] = [
  statement(
    `insert into task (${COLUMNS}) select ${COLUMNS} from ${ASIDE.name} a ` +
      `where not exists (select from task t where t.${KEY} = a.${KEY})`,
  ),
  statement(`drop table ${ASIDE.name}`),
]

/** The rows before a change set, while there are some aside. */
export async function readBeforeAside(engine: Runner, changes: ChangeSet): Promise<RowBefore> {
  const keys = [...(changes.tables.get(TASKS)?.keys() ?? [])]
  const reads = beforeStatements(changes).map((each) => each.statement)
  const results = await engine.run([...reads, selectByKeys(ASIDE, keys, 'facets')])
  const here = readBefore(changes, results)
  const aside = new Map(rowsOf(ASIDE, results.at(-1), 'facets').map(({ row }) => [ASIDE.key(row), row]))
  return (table, key) => here(table, key) ?? (table === TASKS ? aside.get(key) : undefined)
}

/** What a change set removes is not to be brought back. */
export function removeAside(changes: ChangeSet): Statement[] {
  const gone: string[] = []
  for (const [key, { current }] of changes.tables.get(TASKS) ?? []) if (current === undefined) gone.push(key)
  return gone.length === 0 ? [] : [remove(ASIDE, gone)]
}
