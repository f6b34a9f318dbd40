import { createHash } from 'node:crypto'
import { type ResultSet, textOf } from './protocol.ts'
import { type Statement, statement } from './statement.ts'

/**
 * The state digest: published SQL that any PostgreSQL computes alike, so a writer, a replica, a restored image and a
 * loaded dump can be compared.
 *
 * Per table: the rows' columns as one JSON array each, hashed, and the hashes hashed in order of the key. The digest
 * is the hash over the tables' hashes in the order below. A row hash is 32 bytes, so a million rows need 32 MB.
 */
const TABLES: Record<string, { key: string; columns: string[] }> = {
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
    key: 'job_id',
    columns: [
      ...['job_id', 'role', 'environment', 'job_name', 'config_id', 'cron_schedule', 'cron_collision_policy'],
      ...['instance_count', 'owner', 'version'],
    ],
  },
  host_maintenance: {
    key: 'host',
    columns: ['host', 'default_sla_policy', 'timeout_secs', 'created_timestamp_ms', 'version'],
  },
  job_update: {
    key: 'update_key',
    columns: [
      ...['update_key', 'job_id', 'role', 'environment', 'job_name', 'update_id', 'user_name', 'status', 'created_ms'],
      ...['status_ms', 'last_modified_ms', 'events', 'instance_events', 'lock_token', 'version'],
    ],
  },
  job_update_instructions: {
    key: 'update_key',
    columns: ['update_key', 'initial_state', 'desired_state', 'settings', 'metadata', 'version'],
  },
  job_update_config: {
    key: 'json_build_array(update_key, config_id)::text',
    columns: ['update_key', 'config_id', 'version'],
  },
  job_update_event: {
    key: 'json_build_array(update_key, event_id)::text',
    columns: ['update_key', 'event_id', 'ordinal', 'status', 'timestamp_ms', 'user_name', 'message', 'version'],
  },
  job_instance_update_event: {
    key: 'json_build_array(update_key, event_id)::text',
    columns: ['update_key', 'event_id', 'ordinal', 'instance_id', 'action', 'timestamp_ms', 'message', 'version'],
  },
  lock: {
    key: 'job_id',
    columns: [
      ...['job_id', 'role', 'environment', 'job_name', 'token', 'user_name', 'timestamp_ms', 'message', 'version'],
    ],
  },
  scheduler: { key: 'one', columns: ['framework_id', 'version'] },
  'boreal.entity_change': { key: 'entity', columns: ['entity', 'version'] },
  'boreal.departure': { key: `entity || ' ' || scope`, columns: ['entity', 'scope', 'version'] },
  'boreal.idempotency': { key: `encode(key_hash, 'hex')`, columns: ['key_hash', 'lsn', 'index', 'time_ms'] },
  'boreal.horizon': { key: 'one::text', columns: ['time_ms', 'before_lsn'] },
}

/** SQL of one table's hash (hex). */
function tableHash(table: string): string {
  const { key, columns } = TABLES[table]!
  const row = `sha256(convert_to(json_build_array(${columns.join(', ')})::text, 'UTF8'))`
  return `(select encode(sha256(coalesce(string_agg(${row}, ''::bytea order by (${key}) collate "C"), '')), 'hex') from ${table})`
}

/** The digest as one SQL statement; its answer is 64 hex characters. */
export const DIGEST_SQL = `select encode(sha256(convert_to(concat_ws(' ', ${Object.keys(TABLES).map(tableHash).join(', ')}), 'UTF8')), 'hex')`

/** Computes the digest; it reads every row. */
export const digestStatement: Statement = statement(DIGEST_SQL)

export function digestOf(result: ResultSet | undefined): string {
  return textOf(result?.rows[0]?.[0])!
}

/** Rows by table, of the tables that the digest covers. */
export const rowCountsStatement: Statement = statement(
  `select json_build_object(${Object.keys(TABLES)
    .map((table) => `'${table}', (select count(*) from ${table})`)
    .join(', ')})`,
)

/** Hash by table, to find where two stores differ. */
export const tableHashesStatement: Statement = statement(
  `select json_build_object(${Object.keys(TABLES)
    .map((table) => `'${table}', ${tableHash(table)}`)
    .join(', ')})`,
)

/** The digest of a store whose tables have these hashes, in the order of the statement. */
export function digestOfTables(hashes: Record<string, string>): string {
  return createHash('sha256').update(Object.values(hashes).join(' ')).digest('hex')
}
