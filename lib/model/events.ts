import type { HostAttributes, MaintenanceMode } from './host-attributes.ts'
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

export type BorealEvent = TasksSaved | TasksRemoved | QuotaSaved | QuotaRemoved | HostAttributesSaved | HorizonMoved
