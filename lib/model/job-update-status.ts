import * as z from 'zod'

export const JOB_UPDATE_STATUSES = [
  'ROLLING_FORWARD',
  'ROLLING_BACK',
  'ROLL_FORWARD_PAUSED',
  'ROLL_BACK_PAUSED',
  'ROLL_FORWARD_AWAITING_PULSE',
  'ROLL_BACK_AWAITING_PULSE',
  'ROLLED_FORWARD',
  'ROLLED_BACK',
  'ABORTED',
  'ERROR',
  'FAILED',
] as const

export type JobUpdateStatus = (typeof JOB_UPDATE_STATUSES)[number]

export const jobUpdateStatus = z.enum(JOB_UPDATE_STATUSES)

/** States an update does not leave. */
export const TERMINAL_UPDATE_STATUSES = [
  'ROLLED_FORWARD',
  'ROLLED_BACK',
  'ABORTED',
  'ERROR',
  'FAILED',
] as const satisfies JobUpdateStatus[]

/** States in which an update goes on or can go on. */
export const ACTIVE_UPDATE_STATUSES = JOB_UPDATE_STATUSES.filter((status) => !isTerminalUpdate(status))

export function isTerminalUpdate(status: JobUpdateStatus | undefined): boolean {
  return (TERMINAL_UPDATE_STATUSES as readonly unknown[]).includes(status)
}

/** What can be done to one instance of an update. */
export const JOB_UPDATE_ACTIONS = [
  'INSTANCE_UPDATED',
  'INSTANCE_ROLLED_BACK',
  'INSTANCE_UPDATING',
  'INSTANCE_ROLLING_BACK',
  'INSTANCE_UPDATE_FAILED',
  'INSTANCE_ROLLBACK_FAILED',
] as const

export type JobUpdateAction = (typeof JOB_UPDATE_ACTIONS)[number]
