import { BorealError } from '../model/errors.ts'
import type { Entity, Precondition } from '../model/preconditions.ts'
import { TABLES } from '../store/apply-event.ts'
import { cronJobsTable } from '../store/cron-jobs-table.ts'
import { hostMaintenanceTable } from '../store/host-maintenance-table.ts'
import { hostsTable } from '../store/hosts-table.ts'
import { jobUpdatesTable } from '../store/job-updates-table.ts'
import { locksTable } from '../store/locks-table.ts'
import { quotasTable } from '../store/quotas-table.ts'
import { schedulerTable } from '../store/scheduler-table.ts'
import type { Table } from '../store/table.ts'
import { tasksTable } from '../store/tasks-table.ts'
import type { BatchReads } from './batch-reads.ts'
import { jobVersion, roleVersion } from './derived-entities.ts'
import type { Overlay } from './overlay.ts'

const JOB_TABLES = TABLES.filter((table) => table.job !== undefined)

/** Tables whose changes change an entity. Jobs and roles have none of their own: they follow from others. */
const TABLES_OF_ENTITY: Record<Entity, Table[]> = {
  task: [tasksTable],
  cronJob: [cronJobsTable],
  quota: [quotasTable],
  host: [hostsTable],
  hostMaintenance: [hostMaintenanceTable],
  jobUpdate: [jobUpdatesTable],
  lock: [locksTable],
  scheduler: [schedulerTable],
  job: JOB_TABLES,
  role: [...JOB_TABLES, quotasTable],
}

/** Announces what a precondition will look at. */
export function announcePrecondition(precondition: Precondition, reads: BatchReads): void {
  const { entity, key, scope } = precondition
  if (scope !== undefined) {
    for (const table of TABLES_OF_ENTITY[entity]) reads.scope(table, scope)
  } else if (entity === 'job') reads.job(key!)
  else if (entity === 'role') {
    reads.role(key!)
    reads.row(quotasTable, key!)
  } else reads.row(TABLES_OF_ENTITY[entity][0]!, key!)
}

/** @throws BorealError `precondition_failed` naming every failed one with what was expected and found. */
export function checkPreconditions(preconditions: Precondition[], state: Overlay): void {
  const failed = preconditions.flatMap((precondition, index) => {
    const failure = failureOf(precondition, state)
    return failure === undefined ? [] : [{ index, ...failure }]
  })
  if (failed.length === 0) return
  const which = failed.map(({ index }) => index).join(', ')
  throw new BorealError('precondition_failed', `preconditions that do not hold: ${which}`, { failed })
}

interface Failure {
  expected: unknown
  found: unknown
}

function failureOf(precondition: Precondition, state: Overlay): Failure | undefined {
  const { entity, key, version, absent, where, scope, unchangedSince } = precondition
  if (scope !== undefined) {
    const changed = Math.max(...TABLES_OF_ENTITY[entity].map((table) => state.scopeVersion(table, scope)))
    return changed > unchangedSince! ? { expected: { unchangedSince }, found: { changed } } : undefined
  }
  const found = versionOf(entity, key!, state)
  if (absent) return found === undefined ? undefined : { expected: { absent }, found: { version: found } }
  if (found === undefined)
    return { expected: where === undefined ? expectedOf(precondition) : { where }, found: { absent: true } }
  if (version !== undefined && found !== version) return { expected: { version }, found: { version: found } }
  return where === undefined ? undefined : whereFailure(where, state.row(TABLES_OF_ENTITY[entity][0]!, key!)!)
}

function expectedOf({ version }: Precondition): unknown {
  return version === undefined ? { exists: true } : { version }
}

function versionOf(entity: Entity, key: string, state: Overlay): number | undefined {
  switch (entity) {
    case 'job':
      return jobVersion(key, state)
    case 'role':
      return roleVersion(key, state)
    default:
      return state.version(TABLES_OF_ENTITY[entity][0]!, key)
  }
}

function whereFailure(where: NonNullable<Precondition['where']>, row: object): Failure | undefined {
  const values = row as Record<string, unknown>
  const differing = Object.keys(where).filter((field) => values[field] !== where[field])
  if (differing.length === 0) return undefined
  const found = Object.fromEntries(differing.map((field) => [field, values[field] ?? null]))
  return { expected: { where: Object.fromEntries(differing.map((field) => [field, where[field]])) }, found }
}
