import { type Aftermath, aheadOfRows, behindRows, mergeAftermath } from './aftermath.ts'
import { TABLES } from './apply-event.ts'
import { type Change, type ChangeSet, type LeavingSink, recordLeaving } from './change-set.ts'
import { insert } from './copy-rows.ts'
import { writeFormat } from './format.ts'
import { countRow } from './job-changes.ts'
import { selectByKeys } from './read-rows.ts'
import { type Statement, statement } from './statement.ts'
import { type Puts, remove, removeBy, type Table, upsert } from './table.ts'
import { taskConfigsTable } from './task-configs-table.ts'

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
 * they can be run on any store that stands where `before` was read. Without a mark they are a part of something larger.
 * What follows from the rows goes to `later` if that is given, and is left out of the statements.
 */
export function changeStatements(
  changes: ChangeSet,
  before: RowBefore,
  mark: AppliedMark | undefined,
  later?: Aftermath,
): Statement[] {
  const effects = completed(changes, before)
  const follows = aftermathOf(changes, effects)
  if (later !== undefined) mergeAftermath(later, follows)
  const statements = later === undefined ? aheadOfRows(follows) : []
  for (const [table, parents] of changes.orphaned) {
    statements.push(removeBy(table, table.parent!.column, [...parents]))
  }
  for (const each of effects.tables) statements.push(...writeRows(each))
  for (const { table, removals } of effects.tables) if (removals.length > 0) statements.push(remove(table, removals))
  if (later === undefined) statements.push(...behindRows(follows))
  if (changes.format !== undefined) statements.push(writeFormat(changes.format))
  if (mark !== undefined) statements.push(moveMark(mark))
  return statements
}

/**
 * To take a row out and put it in again is three quarters of the work of writing over it for a few rows, and not more for
 * many. What is referred to cannot be taken out.
 */
function writeRows({ table, added, puts }: RowsToWrite): Statement[] {
  const isReferredTo = REFERRED_TO.has(table)
  const fresh = isReferredTo ? added : [...added, ...puts]
  const statements: Statement[] = []
  if (puts.length > 0) {
    const keys = () => puts.map(({ row }) => table.key(row))
    statements.push(isReferredTo ? upsert(table, puts) : remove(table, keys()))
  }
  if (fresh.length > 0) statements.push(insert(table, fresh))
  return statements
}

const REFERRED_TO = new Set<Table>([taskConfigsTable as Table, ...TABLES.flatMap(({ parent }) => parent?.table ?? [])])

function aftermathOf(changes: ChangeSet, { jobs, departures, abandonedConfigs }: Effects): Aftermath {
  const { idempotency: keys, horizon } = changes
  const entities = new Map<string, number>()
  for (const [table, rows] of changes.tables) {
    if (table.parent !== undefined) continue
    let version = 0
    for (const change of rows.values()) version = Math.max(version, change.meta.version)
    entities.set(table.entity, version)
  }
  const scopes = new Map([...departures].map(([table, versions]) => [table.entity, versions]))
  return { jobs, departures: scopes, entities, configs: abandonedConfigs, keys, horizon }
}

interface Effects extends LeavingSink {
  tables: (RowsToWrite & { removals: string[] })[]
}

interface RowsToWrite {
  table: Table
  /** Rows that were not there before. */
  added: Puts
  /** Rows that were, or may have been. */
  puts: Puts
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
    if (rows !== undefined) effects.tables.push(completedRows(table, rows, before, effects))
  }
  return effects
}

function completedRows(
  table: Table,
  rows: Map<string, Change>,
  before: RowBefore,
  effects: Effects,
): Effects['tables'][number] {
  const written: Effects['tables'][number] = { table, added: [], puts: [], removals: [] }
  for (const [key, change] of rows) {
    const old = table.parent === undefined ? before(table, key) : undefined
    recordLeaving(effects, table, old, change.first, change.firstLsn)
    if (old !== undefined) countRow(effects.jobs, table, old, -1)
    if (change.current === undefined) {
      // Whether a child was there is not known: one that was not is not missed.
      if (old !== undefined || table.parent !== undefined) written.removals.push(key)
    } else {
      countRow(effects.jobs, table, change.current, 1)
      // Children are not read before they are written, so nobody knows whether they are new.
      const isNew = old === undefined && table.parent === undefined
      written[isNew ? 'added' : 'puts'].push({ row: change.current, meta: change.meta })
    }
  }
  return written
}

/** Moves the mark. Division by zero fails the SQL transaction on a store that stands elsewhere: a step fits one place only. */
export function moveMark(mark: AppliedMark): Statement {
  return statement(
    'update boreal.applied set lsn = $2::int8 / (lsn = $1::int8)::int4, hash = $3, time_ms = $4 where one = 1',
    mark.previousLsn,
    mark.lsn,
    mark.hash,
    mark.timeMs,
  )
}
