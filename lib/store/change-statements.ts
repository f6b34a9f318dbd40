import { Aftermath } from './aftermath.ts'
import { TABLES } from './apply-event.ts'
import { type Change, type ChangeSet, type LeavingSink, recordLeaving } from './change-set.ts'
import { countRow, forgetTasks, removeEmptyJobs, upsertJobs } from './job-changes.ts'
import { arrayParam, type Statement, statement } from './statement.ts'
import { insert, type Puts, remove, removeBy, selectByKeys, type Table, upsert } from './table.ts'

/** The row of a table before the change set; `undefined` when there was none. */
export type RowBefore = (table: Table, key: string) => object | undefined

/** Statements that read what {@link changeStatements} must know of the rows before, one per touched table. */
export function beforeStatements(changes: ChangeSet): { table: Table; statement: Statement }[] {
  // Children take part in nothing, so nothing follows from what they were.
  const touched = changes.touched().filter(([table]) => table.parent === undefined)
  return touched.map(([table, keys]) => ({ table, statement: selectByKeys(table, keys, 'facets') }))
}

/** Where the log stands after the change set. */
export interface AppliedMark {
  /** LSN of the store before. */
  previousLsn: number
  lsn: number
  hash: string
  timeMs: number
}

/**
 * The SQL of a change set: each table written once, whatever the number of rows. The statements hold values only, so
 * they can be run on any store that stands where `before` was read.
 */
export function changeStatements(
  changes: ChangeSet,
  before: RowBefore,
  mark: AppliedMark,
  later?: Aftermath,
): Statement[] {
  const effects = completed(changes, before)
  const statements: Statement[] = []
  if (effects.jobs.size > 0) statements.push(upsertJobs(effects.jobs))
  for (const [table, parents] of changes.orphaned) {
    statements.push(removeBy(table, table.parent!.column, [...parents]))
  }
  for (const { table, added, puts } of effects.tables) {
    if (added.length > 0) statements.push(insert(table, added))
    if (puts.length > 0) statements.push(upsert(table, puts))
  }
  for (const { table, removals } of effects.tables) if (removals.length > 0) statements.push(remove(table, removals))
  for (const each of [forgetTasks(effects.jobs), removeEmptyJobs(effects.jobs)]) if (each) statements.push(each)
  if (changes.tables.size > 0) statements.push(entityChanges(changes))
  if (effects.departures.size > 0) statements.push(departures(effects))
  const aftermath = later ?? new Aftermath()
  aftermath.add(changes, effects.abandonedConfigs)
  if (later === undefined) statements.push(...aftermath.statements())
  statements.push(applied(mark))
  return statements
}

interface Effects extends LeavingSink {
  tables: ({ table: Table } & TableEffects)[]
}

interface TableEffects {
  /** Rows that were not there before. */
  added: Puts
  /** Rows that were, or may have been. */
  puts: Puts
  removals: string[]
}

/** Joins the changes with the rows before them. */
function completed(changes: ChangeSet, before: RowBefore): Effects {
  const effects: Effects = {
    tables: [],
    departures: new Map([...changes.departures].map(([table, scopes]) => [table, new Map(scopes)])),
    jobs: new Map([...changes.jobs].map(([id, job]) => [id, { ...job, counters: new Map(job.counters) }])),
    abandonedConfigs: new Set(changes.abandonedConfigs),
  }
  for (const table of TABLES) {
    const rows = changes.tables.get(table)
    if (rows !== undefined) effects.tables.push({ table, ...completedRows(table, rows, before, effects) })
  }
  return effects
}

function completedRows(table: Table, rows: Map<string, Change>, before: RowBefore, effects: Effects): TableEffects {
  const written: TableEffects = { added: [], puts: [], removals: [] }
  for (const [key, change] of rows) {
    const old = table.parent === undefined ? before(table, key) : undefined
    recordLeaving(effects, table, old, change.first, change.firstLsn)
    if (old !== undefined) countRow(effects.jobs, table, old, -1)
    if (change.current === undefined) {
      if (old !== undefined) written.removals.push(key)
    } else {
      countRow(effects.jobs, table, change.current, 1)
      // Children are not read before they are written, so nobody knows whether they are new.
      const isNew = old === undefined && table.parent === undefined
      written[isNew ? 'added' : 'puts'].push({ row: change.current, meta: change.meta })
    }
  }
  return written
}

function entityChanges(changes: ChangeSet): Statement {
  const versions = new Map<string, number>()
  for (const [table, rows] of changes.tables) {
    if (table.parent !== undefined) continue
    let version = 0
    for (const change of rows.values()) version = Math.max(version, change.meta.version)
    versions.set(table.entity, version)
  }
  return {
    sql:
      'insert into boreal.entity_change (entity, version) select * from unnest($1::text[], $2::int8[]) ' +
      'on conflict (entity) do update set version = excluded.version',
    params: [arrayParam('text', [...versions.keys()]), arrayParam('int8', [...versions.values()])],
  }
}

function departures(effects: Effects): Statement {
  const rows = [...effects.departures].flatMap(([table, scopes]) =>
    [...scopes].map(([scope, version]) => ({ entity: table.entity, scope, version })),
  )
  return {
    sql:
      'insert into boreal.departure (entity, scope, version) select * from unnest($1::text[], $2::text[], $3::int8[]) ' +
      'on conflict (entity, scope) do update set version = excluded.version',
    params: [
      arrayParam(
        'text',
        rows.map((row) => row.entity),
      ),
      arrayParam(
        'text',
        rows.map((row) => row.scope),
      ),
      arrayParam(
        'int8',
        rows.map((row) => row.version),
      ),
    ],
  }
}

/** Moves the mark. Division by zero fails the SQL transaction on a store that stands elsewhere: a step fits one place only. */
function applied(mark: AppliedMark): Statement {
  return statement(
    'update boreal.applied set lsn = $2::int8 / (lsn = $1::int8)::int4, hash = $3, time_ms = $4 where one = 1',
    mark.previousLsn,
    mark.lsn,
    mark.hash,
    mark.timeMs,
  )
}
