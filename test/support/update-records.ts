import type { z } from 'zod'
import type { JobUpdateKey, jobInstanceUpdateEvent, jobUpdate, jobUpdateEvent } from '../../lib/model/job-update.ts'
import { config, fullConfig } from './records.ts'

/** Job updates and their events as clients send them; sets are in canonical order, so they come back as they are. */
type UpdateInput = z.input<typeof jobUpdate>

/** The settings that an update has when it says nothing. */
export const DEFAULT_SETTINGS = {
  maxPerInstanceFailures: 0,
  maxFailedInstances: 0,
  minWaitInInstanceRunningMs: 0,
  rollbackOnFailure: false,
  updateOnlyTheseInstances: [],
}

/** A small update: three instances of a config, from nothing. */
export function update(key: JobUpdateKey, overrides: { user?: string; instructions?: object } = {}): UpdateInput {
  const { user = 'ann', instructions = {} } = overrides
  return {
    summary: { key, user },
    instructions: {
      initialState: [],
      desiredState: { task: config({ job: key.job }), instances: [{ first: 0, last: 2 }] },
      settings: DEFAULT_SETTINGS,
      ...instructions,
    },
  }
}

/** Every field of an update. */
export function fullJobUpdate(key: JobUpdateKey): UpdateInput {
  const task = { ...fullConfig, job: key.job }
  const instances = (first: number) => [
    { first, last: first + 1 },
    { first: first + 3, last: first + 4 },
  ]
  return {
    summary: {
      key,
      user: 'ann',
      metadata: [
        { key: 'k1', value: 'v1' },
        { key: 'k1', value: 'v2' },
      ],
    },
    instructions: {
      initialState: [
        { task: { ...task, priority: 1 }, instances: instances(1) },
        { task: { ...task, priority: 2 }, instances: instances(3) },
      ],
      desiredState: { task, instances: instances(1) },
      settings: {
        updateGroupSize: 2,
        maxPerInstanceFailures: 3,
        maxFailedInstances: 4,
        minWaitInInstanceRunningMs: 5_000,
        rollbackOnFailure: true,
        updateOnlyTheseInstances: instances(2),
        waitForBatchCompletion: true,
        blockIfNoPulsesAfterMs: 6_000,
        slaAware: true,
        updateStrategy: { varBatch: { groupSizes: [1, 2, 3], autopauseAfterBatch: true } },
      },
    },
  }
}

type UpdateEvent = z.input<typeof jobUpdateEvent>
type InstanceEvent = z.input<typeof jobInstanceUpdateEvent>

export function updateEvent(
  status: UpdateEvent['status'],
  timestampMs: number | string,
  overrides: Partial<UpdateEvent> = {},
): UpdateEvent {
  return { status, timestampMs, ...overrides }
}

export function instanceEvent(
  instanceId: number,
  action: InstanceEvent['action'],
  timestampMs: number | string,
  overrides: Partial<InstanceEvent> = {},
): InstanceEvent {
  return { instanceId, action, timestampMs, ...overrides }
}
