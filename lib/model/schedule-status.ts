import * as z from 'zod'

/** Task states, Aurora's names. The order is the order of the columns of table `job` and of every summary. */
export const SCHEDULE_STATUSES = [
  'INIT',
  'THROTTLED',
  'PENDING',
  'ASSIGNED',
  'STARTING',
  'RUNNING',
  'KILLING',
  'PREEMPTING',
  'RESTARTING',
  'DRAINING',
  'PARTITIONED',
  'FINISHED',
  'FAILED',
  'KILLED',
  'LOST',
] as const

export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number]

export const scheduleStatus = z.enum(SCHEDULE_STATUSES)

/** States a task does not leave. */
export const TERMINAL_STATUSES = ['FINISHED', 'FAILED', 'KILLED', 'LOST'] as const satisfies ScheduleStatus[]

/** States in which a task takes part in its job. `INIT` is neither active nor terminal, as in Aurora. */
export const ACTIVE_STATUSES = [
  'THROTTLED',
  'PENDING',
  'ASSIGNED',
  'STARTING',
  'RUNNING',
  'KILLING',
  'PREEMPTING',
  'RESTARTING',
  'DRAINING',
  'PARTITIONED',
] as const satisfies ScheduleStatus[]
