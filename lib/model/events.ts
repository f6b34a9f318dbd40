import type { CronCollisionPolicy } from './cron-job.ts'
import type { HostAttributes, MaintenanceMode } from './host-attributes.ts'
import type { HostMaintenanceRequest } from './host-maintenance.ts'
import type { InstanceRange, JobUpdateInstructions, JobUpdateSummary } from './job-update.ts'
import type { JobUpdateAction, JobUpdateStatus } from './job-update-status.ts'
import type { Quota } from './resource.ts'
import type { ScheduleStatus } from './schedule-status.ts'
import type { AssignedPorts, TaskEvent } from './task.ts'
import type { TaskConfig } from './task-config.ts'

/**
 * Events are what the log holds: resolved effects as whole rows. Applying one needs no decision, no clock and no
 * randomness; it puts rows or removes keys. The time and version of a row are those of its entry.
 *
 * Every kind carries its version `v`. A shape that was once written is never changed: a new shape is a new version
 * with an upcaster (CONTRIBUTING: "Add an event version").
 */

/** A task as its row: the config by content hash, everything else inline. */
export interface TaskRow {
  taskId: string
  role: string
  environment: string
  jobName: string
  instanceId: number
  status: ScheduleStatus
  slaveHost?: string
  slaveId?: string
  configId: string
  failureCount: number
  timesPartitioned: number
  ancestorId?: string
  taskEvents: TaskEvent[]
  assignedPorts: AssignedPorts
  /** Time of the entry that created the row, in ms. */
  createdMs: number
  /** Time of its last change, in ms, where it is not that of the entry: in a row that is put back as it was. */
  updatedMs?: number
}

export interface TaskConfigRow {
  configId: string
  config: TaskConfig
}

export interface QuotaRow {
  role: string
  quota: Quota
}

export interface HostRow {
  host: string
  slaveId?: string
  mode: MaintenanceMode
  attributes: HostAttributes['attributes']
}

export interface CronJobRow {
  role: string
  environment: string
  jobName: string
  configId: string
  cronSchedule?: string
  cronCollisionPolicy: CronCollisionPolicy
  instanceCount: number
  owner?: { user: string }
}

export type HostMaintenanceRow = Omit<HostMaintenanceRequest, 'version'>

/** An int64: a number where that is exact, decimal digits beyond. */
export type Int64 = number | string

/**
 * What changes about an update while it goes on. The state follows from its events: created with the first, in the
 * status of the last, modified with the newest of both kinds.
 */
export interface JobUpdateRow {
  role: string
  environment: string
  jobName: string
  updateId: string
  user: string
  status?: JobUpdateStatus
  createdMs?: Int64
  /** Time of the event that gave the status. */
  statusMs?: Int64
  lastModifiedMs?: Int64
  /** Events so far, which is also the place of the next one among those of the same time. */
  events: number
  instanceEvents: number
  /** The configs of its instructions. */
  configIds: string[]
  /** Token of the lock under which it was created. */
  lockToken?: string
}

/** What an update is to do. Never changes. `update` is the text key of the update. */
export interface JobUpdateInstructionsRow {
  update: string
  initialState: InstanceConfigs[]
  desiredState?: InstanceConfigs
  settings: JobUpdateInstructions['settings']
  metadata?: NonNullable<JobUpdateSummary['metadata']>
}

export interface InstanceConfigs {
  configId: string
  instances: InstanceRange[]
}

export interface JobUpdateEventRow {
  update: string
  /** The client's id, or `#` and the event's number. */
  eventId: string
  /** Place among the events of its update, in the order of arrival. */
  ordinal: number
  status: JobUpdateStatus
  timestampMs: Int64
  user?: string | undefined
  message?: string | undefined
}

export interface JobInstanceUpdateEventRow {
  update: string
  eventId: string
  ordinal: number
  instanceId: number
  action: JobUpdateAction
  timestampMs: Int64
  message?: string | undefined
}

export interface LockRow {
  role: string
  environment: string
  jobName: string
  token: string
  user: string
  timestampMs: Int64
  message?: string | undefined
}

export interface SchedulerRow {
  frameworkId: string
}

/** Tasks put whole. `configs` holds the configs among theirs that the store did not have at this point of the log. */
export interface TasksSaved {
  event: 'tasksSaved'
  v: 1
  tasks: TaskRow[]
  configs?: TaskConfigRow[]
}

export interface TasksRemoved {
  event: 'tasksRemoved'
  v: 1
  taskIds: string[]
}

export interface QuotaSaved {
  event: 'quotaSaved'
  v: 1
  role: string
  quota: Quota
}

export interface QuotaRemoved {
  event: 'quotaRemoved'
  v: 1
  role: string
}

export interface HostAttributesSaved {
  event: 'hostAttributesSaved'
  v: 1
  hostAttributes: HostRow
}

export interface CronJobSaved {
  event: 'cronJobSaved'
  v: 1
  cronJob: CronJobRow
  configs?: TaskConfigRow[]
}

/** `jobKey` is the job's text key. */
export interface CronJobRemoved {
  event: 'cronJobRemoved'
  v: 1
  jobKey: string
}

export interface HostAttributesRemoved {
  event: 'hostAttributesRemoved'
  v: 1
  host: string
}

export interface HostMaintenanceSaved {
  event: 'hostMaintenanceSaved'
  v: 1
  request: HostMaintenanceRow
}

export interface HostMaintenanceRemoved {
  event: 'hostMaintenanceRemoved'
  v: 1
  host: string
}

export interface JobUpdateSaved {
  event: 'jobUpdateSaved'
  v: 1
  update: JobUpdateRow
  instructions: JobUpdateInstructionsRow
  configs?: TaskConfigRow[]
}

/** Events of updates that exist, with the updates as they are afterwards. */
export interface JobUpdateEventsSaved {
  event: 'jobUpdateEventsSaved'
  v: 1
  updates: JobUpdateRow[]
  events?: JobUpdateEventRow[]
  instanceEvents?: JobInstanceUpdateEventRow[]
}

/** Updates removed with everything that belongs to them, by text key. */
export interface JobUpdatesRemoved {
  event: 'jobUpdatesRemoved'
  v: 1
  updates: string[]
}

export interface LockSaved {
  event: 'lockSaved'
  v: 1
  lock: LockRow
}

export interface LockRemoved {
  event: 'lockRemoved'
  v: 1
  jobKey: string
}

export interface SchedulerSaved {
  event: 'schedulerSaved'
  v: 1
  scheduler: SchedulerRow
}

/** The entities whose rows can be put and removed as they are. */
export type RowEntity =
  | 'taskConfig'
  | 'task'
  | 'cronJob'
  | 'quota'
  | 'host'
  | 'hostMaintenance'
  | 'jobUpdate'
  | 'jobUpdateInstructions'
  | 'jobUpdateConfig'
  | 'jobUpdateEvent'
  | 'jobInstanceUpdateEvent'
  | 'lock'
  | 'scheduler'

/** Rows of one entity, whole, whatever it is: how a state is brought to another one (recovery, backtrack). */
export interface RowsPut {
  event: 'rowsPut'
  v: 1
  entity: RowEntity
  rows: object[]
}

/** Rows of one entity removed, by their keys as text. What belongs to them goes too. */
export interface RowsRemoved {
  event: 'rowsRemoved'
  v: 1
  entity: RowEntity
  keys: string[]
}

/**
 * Idempotency keys of entries before `beforeLsn` are forgotten, and so are departures from scopes.
 * `timeMs` is what keys that carry a time are compared with.
 */
export interface HorizonMoved {
  event: 'horizonMoved'
  v: 1
  timeMs: number
  beforeLsn: number
}

/**
 * From here on the log may hold events of this format: the store was finalized. Builds that do not know the format stop
 * here. Its own shape never changes.
 */
export interface FormatVersion {
  event: 'formatVersion'
  v: 1
  format: number
}

export type BorealEvent =
  | TasksSaved
  | TasksRemoved
  | CronJobSaved
  | CronJobRemoved
  | QuotaSaved
  | QuotaRemoved
  | HostAttributesSaved
  | HostAttributesRemoved
  | HostMaintenanceSaved
  | HostMaintenanceRemoved
  | JobUpdateSaved
  | JobUpdateEventsSaved
  | JobUpdatesRemoved
  | LockSaved
  | LockRemoved
  | SchedulerSaved
  | RowsPut
  | RowsRemoved
  | HorizonMoved
  | FormatVersion

/**
 * Shapes of earlier versions that a handler may still write, because older builds may read the log: until the store is
 * finalized, a new version is only read. Today there are none.
 */
export type EarlierEvent = never

/** What a transaction may write. What is read back, and applied, is always a {@link BorealEvent}. */
export type WrittenEvent = BorealEvent | EarlierEvent
