import { createHash } from 'node:crypto'
import { type ResultSet, textOf } from './result-set.ts'
import { type Statement, statement } from './statement.ts'

/**
 * The state digest: published SQL that any PostgreSQL computes alike, so a writer, a replica, a restored image and a
 * loaded dump can be compared.
 *
 * Per table: the rows' columns as one JSON array each, hashed, and the hashes hashed in order of the key. The digest
 * is the hash over the tables' hashes in the order below. A row hash is 32 bytes, so a million rows need 32 MB.
 *
 * Columns are those that are written; what Postgres computes from them (generated ones) says nothing new, and a dump does
 * not carry it. `since` is the schema with which a table came: digests are compared at the same schema.
 */
const TABLES: Record<string, { key: string; columns: string[]; since?: number }> = {
  job: {
    key: 'job_id',
    columns: [
      ...['job_id', 'role', 'environment', 'name', 'init', 'throttled', 'pending', 'assigned', 'starting', 'running'],
      ...['killing', 'preempting', 'restarting', 'draining', 'partitioned', 'finished', 'failed', 'killed', 'lost'],
      ...['task_version', 'version', 'cron_jobs', 'active_updates', 'terminal_updates', 'new_updates'],
    ],
  },
  task_config: { key: 'config_id', columns: ['config_id', 'config', 'version'] },
  task: {
    key: 'task_id',
    columns: [
      ...['task_id', 'job_id', 'role', 'environment', 'job_name', 'instance_id', 'status', 'slave_host', 'slave_id'],
      ...['config_id', 'failure_count', 'times_partitioned', 'ancestor_id', 'task_events', 'assigned_ports'],
      ...['created_ms', 'updated_ms', 'version'],
    ],
  },
  quota: { key: 'role', columns: ['role', 'num_cpus', 'ram_mb', 'disk_mb', 'quota', 'version'] },
  host: { key: 'host', columns: ['host', 'slave_id', 'mode', 'attributes', 'version'] },
  cron_job: {
    since: 2,
    key: 'job_id',
    columns: [
      ...['job_id', 'role', 'environment', 'job_name', 'config_id', 'cron_schedule', 'cron_collision_policy'],
      ...['instance_count', 'owner', 'version'],
    ],
  },
  host_maintenance: {
    since: 2,
    key: 'host',
    columns: ['host', 'default_sla_policy', 'timeout_secs', 'created_timestamp_ms', 'version'],
  },
  job_update: {
    since: 2,
    key: 'update_key',
    columns: [
      ...['update_key', 'job_id', 'role', 'environment', 'job_name', 'update_id', 'user_name', 'status', 'created_ms'],
      ...['status_ms', 'last_modified_ms', 'events', 'instance_events', 'lock_token', 'version'],
    ],
  },
  job_update_instructions: {
    since: 2,
    key: 'update_key',
    columns: ['update_key', 'initial_state', 'desired_state', 'settings', 'metadata', 'version'],
  },
  job_update_config: {
    since: 2,
    key: 'json_build_array(update_key, config_id)::text',
    columns: ['update_key', 'config_id', 'version'],
  },
  job_update_event: {
    since: 2,
    key: 'json_build_array(update_key, event_id)::text',
    columns: ['update_key', 'event_id', 'ordinal', 'status', 'timestamp_ms', 'user_name', 'message', 'version'],
  },
  job_instance_update_event: {
    since: 2,
    key: 'json_build_array(update_key, event_id)::text',
    columns: ['update_key', 'event_id', 'ordinal', 'instance_id', 'action', 'timestamp_ms', 'message', 'version'],
  },
  lock: {
    since: 2,
    key: 'job_id',
    columns: [
      ...['job_id', 'role', 'environment', 'job_name', 'token', 'user_name', 'timestamp_ms', 'message', 'version'],
    ],
  },
  scheduler: { since: 2, key: 'one', columns: ['framework_id', 'version'] },
  'boreal.entity_change': { key: 'entity', columns: ['entity', 'version'] },
  'boreal.departure': { key: `entity || ' ' || scope`, columns: ['entity', 'scope', 'version'] },
  'boreal.idempotency': { key: `encode(key_hash, 'hex')`, columns: ['key_hash', 'lsn', 'index', 'time_ms'] },
  'boreal.horizon': { key: 'one::text', columns: ['time_ms', 'before_lsn'] },
  'boreal.format': { since: 3, key: 'one', columns: ['format', 'version'] },
}

/** Columns that came with a later schema than their table, as `table.column`. */
const LATER_COLUMNS: Record<string, number> = {
  'job.cron_jobs': 2,
  'job.active_updates': 2,
  'job.terminal_updates': 2,
  'job.new_updates': 2,
}

function tablesAt(schema: number): string[] {
  return Object.keys(TABLES).filter((table) => (TABLES[table]!.since ?? 1) <= schema)
}

/** SQL of a row of a table as text, of all its columns but some. */
export function rowText(table: string, without: readonly string[]): string {
  const columns = TABLES[table]!.columns.filter((column) => !without.includes(column))
  return `row(${columns.join(', ')})::text`
}

/** SQL of the hash of a row of a table, of all its columns but some. */
export function rowHash(table: string, without: readonly string[] = []): string {
  const columns = TABLES[table]!.columns.filter((column) => !without.includes(column))
  return `sha256(convert_to(json_build_array(${columns.join(', ')})::text, 'UTF8'))`
}

/** SQL of one table's hash (hex). */
function tableHash(table: string, schema: number): string {
  const { key, columns } = TABLES[table]!
  const later = columns.filter((column) => (LATER_COLUMNS[`${table}.${column}`] ?? 1) > schema)
  const row = rowHash(table, later)
  return `(select encode(sha256(coalesce(string_agg(${row}, ''::bytea order by (${key}) collate "C"), '')), 'hex') from ${table})`
}

/** What describes the contents of a store of a schema. Each reads every row. */
export interface DigestStatements {
  /** The digest; read it with {@link digestOf}. */
  digest: Statement
  /** Rows by table, of the tables that the digest covers, as JSON. */
  rowCounts: Statement
  /** Hash by table as JSON, to find where two stores differ. */
  tableHashes: Statement
}

/** The statements for stores of an earlier schema; without a number for those of this build's. */
export function digestsAt(schema = Number.POSITIVE_INFINITY): DigestStatements {
  const tables = tablesAt(schema)
  const byTable = (value: (table: string) => string) =>
    statement(`select json_build_object(${tables.map((table) => `'${table}', ${value(table)}`).join(', ')})`)
  const hashes = tables.map((table) => tableHash(table, schema))
  return {
    digest: statement(`select encode(sha256(convert_to(concat_ws(' ', ${hashes.join(', ')}), 'UTF8')), 'hex')`),
    rowCounts: byTable((table) => `(select count(*) from ${table})`),
    tableHashes: byTable((table) => tableHash(table, schema)),
  }
}

export const { digest: digestStatement, rowCounts: rowCountsStatement, tableHashes: tableHashesStatement } = digestsAt()

/** The digest as one SQL statement; its answer is 64 hex characters. */
export const DIGEST_SQL = digestStatement.sql

export function digestOf(result: ResultSet | undefined): string {
  return textOf(result?.rows[0]?.[0])!
}

/** The tables that the digest covers. */
export const DIGEST_TABLES: readonly string[] = Object.keys(TABLES)

/** SQL of one table's rows as (key, MD5), in order of the key: to find which rows of two stores differ. */
export function rowHashesSql(table: string): string {
  const { key, columns } = TABLES[table]!
  return `select (${key}) collate "C", md5(json_build_array(${columns.join(', ')})::text) from ${table} order by 1`
}

/** The digest of a store whose tables have these hashes, in the order of the statement. */
export function digestOfTables(hashes: Record<string, string>): string {
  return createHash('sha256').update(Object.values(hashes).join(' ')).digest('hex')
}
