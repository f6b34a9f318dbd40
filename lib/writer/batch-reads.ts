import { getOrInsert } from '../model/get-or-insert.ts'
import { bytesOfHash } from '../model/idempotency-key.ts'
import type { Scope } from '../model/preconditions.ts'
import type { RowBefore } from '../store/change-statements.ts'
import type { Find } from '../store/find.ts'
import { ACTIVE_COUNTERS, JOB_COUNTERS } from '../store/job-changes.ts'
import { rowsOf, selectByKeys } from '../store/read-rows.ts'
import { numberOf, type ResultSet, textOf } from '../store/result-set.ts'
import { leftRole } from '../store/roles.ts'
import { arrayParam, type Statement, statement } from '../store/statement.ts'
import type { Table } from '../store/table.ts'
import { WHOLE_ENTITY } from './touched-scopes.ts'

/** A scope as text, e.g. `job:www/prod/hello`. */
export function scopeText(scope: Scope): string {
  const [kind, value] = partsOf(scope)
  return kind === WHOLE_ENTITY ? WHOLE_ENTITY : `${kind}:${value}`
}

function partsOf(scope: Scope): [kind: string, value: string] {
  const [kind = WHOLE_ENTITY, value = ''] = Object.entries(scope)[0] ?? []
  return [kind, value]
}

function nameOf<Row extends object>({ table, name }: Find<Row>): string {
  return `${table.entity} ${name}`
}

/** A job as its counters say: how many rows belong to it, and when anything in it last changed. */
export interface JobState {
  jobId: string
  members: number
  activeTasks: number
  version: number
}

/**
 * Everything that a batch has to read, collected before anything is decided: each operation says what it will look at,
 * and one message with one set-based statement per table fetches it all. Nothing is read while deciding, so nothing in
 * a batch waits for a statement of its own.
 */
export class BatchReads {
  readonly #keys = new Map<Table, Set<string>>()
  readonly #finds = new Map<string, Find>()
  /** Values of scopes by their kind, by table. */
  readonly #scopes = new Map<Table, Map<string, Set<string>>>()
  readonly #jobs = new Set<string>()
  readonly #roles = new Set<string>()
  readonly #idempotencyKeys = new Set<string>()

  row(table: Table, key: string): void {
    getOrInsert(this.#keys, table, () => new Set<string>()).add(key)
  }

  find<Row extends object>(find: Find<Row>): void {
    if (find.keys === undefined) this.#finds.set(nameOf(find), find as unknown as Find)
    else for (const key of find.keys) this.row(find.table as unknown as Table, key)
  }

  scope(table: Table, scope: Scope): void {
    const [kind, value] = partsOf(scope)
    const kinds = getOrInsert(this.#scopes, table, () => new Map<string, Set<string>>())
    getOrInsert(kinds, kind, () => new Set<string>()).add(value)
  }

  job(jobId: string): void {
    this.#jobs.add(jobId)
  }

  role(role: string): void {
    this.#roles.add(role)
  }

  idempotencyKey(hash: string): void {
    this.#idempotencyKeys.add(hash)
  }

  /** The statements, and what makes a snapshot of their results. */
  plan(): { statements: Statement[]; load: (results: ResultSet[]) => Snapshot } {
    const statements: Statement[] = []
    const loads: ((snapshot: Snapshot, result: ResultSet) => void)[] = []
    const add = (each: Statement, load: (snapshot: Snapshot, result: ResultSet) => void) => {
      statements.push(each)
      loads.push(load)
    }
    for (const [table, keys] of this.#keys) {
      add(selectByKeys(table, keys), (snapshot, result) => snapshot.addRows(table, keys, result))
    }
    for (const find of this.#finds.values()) {
      add(find.statement(), (snapshot, result) => snapshot.addFound(find, result))
    }
    for (const [table, kinds] of this.#scopes) {
      for (const [kind, values] of kinds) {
        add(scopeVersions(table, kind, values), (snapshot, result) => snapshot.addScopes(table, result))
      }
    }
    if (this.#jobs.size + this.#roles.size > 0) {
      add(jobStates(this.#jobs, this.#roles), (snapshot, result) => snapshot.addJobs(result))
    }
    if (this.#roles.size > 0) {
      add(roleDepartures(this.#roles), (snapshot, result) => snapshot.addRoleDepartures(result))
    }
    if (this.#idempotencyKeys.size > 0) {
      add(idempotencyRows(this.#idempotencyKeys), (snapshot, result) => snapshot.addIdempotency(result))
    }
    const load = (results: ResultSet[]) => {
      const snapshot = new Snapshot()
      for (const [index, each] of loads.entries()) each(snapshot, results[index]!)
      return snapshot
    }
    return { statements, load }
  }
}

/** What a batch read: the store at one place of the log, as far as the batch needs it. */
export class Snapshot {
  readonly rows = new Map<Table, Map<string, { row: object; version: number } | undefined>>()
  /** Find → keys of the rows found. */
  readonly found = new Map<string, string[]>()
  readonly #scopes = new Map<string, number>()
  readonly jobs = new Map<string, JobState & { role: string }>()
  /** Role → LSN at which anything last left it. */
  readonly roleDepartures = new Map<string, number>()
  readonly idempotency = new Map<string, { lsn: number; index: number }>()

  /** A row as it was before the batch. */
  readonly before: RowBefore = (table, key) => this.rows.get(table)?.get(key)?.row

  addRows(table: Table, keys: Iterable<string>, result: ResultSet): void {
    const rows = this.#rowsOf(table)
    // A key that was asked for and not found is known to be absent.
    for (const key of keys) if (!rows.has(key)) rows.set(key, undefined)
    for (const found of rowsOf(table, result)) rows.set(table.key(found.row), found)
  }

  addFound(find: Find, result: ResultSet): void {
    const found = rowsOf(find.table, result)
    const rows = this.#rowsOf(find.table)
    const keys = found.map(({ row }) => find.table.key(row))
    for (const [index, key] of keys.entries()) rows.set(key, found[index])
    this.found.set(nameOf(find), keys)
  }

  /** Keys of the rows that a find gave; `undefined` when it was not announced. */
  keysFound<Row extends object>(find: Find<Row>): string[] | undefined {
    return this.found.get(nameOf(find))
  }

  addScopes(table: Table, result: ResultSet): void {
    for (const [scope, version] of result.rows) this.#scopes.set(`${table.entity} ${textOf(scope)}`, numberOf(version))
  }

  get hasScopes(): boolean {
    return this.#scopes.size > 0
  }

  /** LSN of the last change within a scope (its text); `undefined` when it was not announced. */
  scopeVersion(table: Table, scope: string): number | undefined {
    return this.#scopes.get(`${table.entity} ${scope}`)
  }

  addJobs(result: ResultSet): void {
    for (const [id, role, members, activeTasks, version] of result.rows) {
      const jobId = textOf(id)!
      const counts = { members: numberOf(members), activeTasks: numberOf(activeTasks), version: numberOf(version) }
      this.jobs.set(jobId, { jobId, role: textOf(role)!, ...counts })
    }
  }

  addRoleDepartures(result: ResultSet): void {
    for (const [role, version] of result.rows) {
      if (version !== null) this.roleDepartures.set(textOf(role)!, numberOf(version))
    }
  }

  addIdempotency(result: ResultSet): void {
    for (const [hash, lsn, index] of result.rows) {
      this.idempotency.set(textOf(hash)!, { lsn: numberOf(lsn), index: numberOf(index) })
    }
  }

  #rowsOf(table: Table) {
    return getOrInsert(this.rows, table, () => new Map<string, { row: object; version: number } | undefined>())
  }
}

/**
 * When scopes of a kind last changed: the newest version of the rows in each, or the last time one left, whichever is later.
 * Departures (but for those from roles) are forgotten with the horizon; then it may have been any time before, and the
 * answer is the latest. Rows: the scope's text and the LSN.
 */
function scopeVersions(table: Table, kind: string, values: Set<string>): Statement {
  if (kind === WHOLE_ENTITY) {
    return statement(
      `select '', coalesce((select version from boreal.entity_change where entity = $1), 0)`,
      table.entity,
    )
  }
  const forgotten = kind === 'role' ? '0' : '(select before_lsn - 1 from boreal.horizon where one = 1)'
  return {
    sql: `
      select '${kind}:' || given.value, greatest(
        coalesce((${table.scopeVersion[kind as 'role']}), 0),
        coalesce((select version from boreal.departure where entity = $2 and scope = '${kind}:' || given.value),
                 ${forgotten}), 0)
      from unnest($1::text[]) as given(value)`,
    params: [arrayParam('text', [...values]), table.entity],
  }
}

const JOB_STATES = `
  select job_id, role, ${JOB_COUNTERS.join(' + ')}, ${ACTIVE_COUNTERS.join(' + ')}, version from job where`

function jobStates(jobs: Set<string>, roles: Set<string>): Statement {
  return {
    sql: `${JOB_STATES} job_id = any($1::text[]) or role = any($2::text[])`,
    params: [arrayParam('text', [...jobs]), arrayParam('text', [...roles])],
  }
}

function roleDepartures(roles: Set<string>): Statement {
  return {
    sql: `select role, ${leftRole('role')} from unnest($1::text[]) as of(role)`,
    params: [arrayParam('text', [...roles])],
  }
}

function idempotencyRows(hashes: Set<string>): Statement {
  return {
    sql: `select encode(key_hash, 'hex'), lsn, index from boreal.idempotency where key_hash = any($1::bytea[])`,
    params: [arrayParam('bytea', [...hashes].map(bytesOfHash))],
  }
}
