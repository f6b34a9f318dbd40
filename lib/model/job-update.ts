import * as z from 'zod'
import { jobId, jobKey } from './job-key.ts'
import { JOB_UPDATE_ACTIONS, jobUpdateStatus } from './job-update-status.ts'
import { int32, int64, name, oneOf, setOf, text } from './scalars.ts'
import { instanceId } from './task.ts'
import { taskConfig } from './task-config.ts'

/** How a job is taken from one configuration to another: Aurora's JobUpdate with every field it has. */

/** Names an update: the job, and an id within it. */
export const jobUpdateKey = z.strictObject({ job: jobKey, id: name })

export type JobUpdateKey = z.infer<typeof jobUpdateKey>

/** The text form `role/environment/name/id`; it is also the key of an update in SQL and in preconditions. */
export function jobUpdateKeyText(key: JobUpdateKey): string {
  return `${jobId(key.job)}/${key.id}`
}

/** A text key. Only the id may hold further slashes. */
export const jobUpdateKeyString = z
  .string()
  .regex(
    /^[A-Za-z0-9._-]{1,255}\/[A-Za-z0-9._-]{1,255}\/[A-Za-z0-9._-]{1,255}\/./su,
    'must be role/environment/name/id',
  )

/** Instances `first` to `last`, both included. */
const range = z
  .strictObject({ first: instanceId, last: instanceId })
  .refine(({ first, last }) => first <= last, 'first must not be after last')

export type InstanceRange = z.infer<typeof range>

const instances = setOf(range).refine((ranges) => ranges.length > 0, 'must name at least one instance')

/** A set; null, absent and empty are the same. */
function orNone<T extends z.ZodType>(item: T) {
  return setOf(item)
    .nullable()
    .default([])
    .overwrite((items) => items ?? [])
}

/** Which instances have which configuration. */
export const instanceTaskConfig = z.strictObject({ task: taskConfig, instances })

const groupSize = int32.min(1)

/** How many instances change at once: one group all the time, group after group, or groups of given sizes. */
export const jobUpdateStrategy = oneOf({
  queue: z.strictObject({ groupSize }),
  batch: z.strictObject({ groupSize, autopauseAfterBatch: z.boolean().default(false) }),
  varBatch: z.strictObject({ groupSizes: z.array(groupSize).min(1), autopauseAfterBatch: z.boolean().default(false) }),
})

export const jobUpdateSettings = z.strictObject({
  /** Deprecated in Aurora in favour of `updateStrategy`, as is `waitForBatchCompletion`. */
  updateGroupSize: int32.min(0).optional(),
  maxPerInstanceFailures: int32.min(0).default(0),
  maxFailedInstances: int32.min(0).default(0),
  minWaitInInstanceRunningMs: int32.min(0).default(0),
  rollbackOnFailure: z.boolean().default(false),
  /** Restricts the update to these; null and empty mean all. */
  updateOnlyTheseInstances: orNone(range),
  waitForBatchCompletion: z.boolean().optional(),
  blockIfNoPulsesAfterMs: int32.min(0).optional(),
  slaAware: z.boolean().optional(),
  updateStrategy: jobUpdateStrategy.optional(),
})

/** From what to what. One of the two must be there: an update creates, changes or removes instances. */
export const jobUpdateInstructions = z
  .strictObject({
    initialState: orNone(instanceTaskConfig),
    desiredState: instanceTaskConfig.nullish(),
    settings: jobUpdateSettings.prefault({}),
  })
  .refine((value) => (value.initialState ?? []).length > 0 || value.desiredState != null, {
    message: 'must have a desired or an initial state',
  })

export type JobUpdateInstructions = z.infer<typeof jobUpdateInstructions>

export const jobUpdateMetadata = setOf(z.strictObject({ key: text, value: text }))

/** Follows from the events; ignored on input. */
export const jobUpdateState = z.strictObject({
  status: jobUpdateStatus,
  createdTimestampMs: int64,
  lastModifiedTimestampMs: int64,
})

export const jobUpdateSummary = z.strictObject({
  key: jobUpdateKey,
  user: text,
  state: jobUpdateState.optional(),
  /** A set of pairs, not a map: one key may stand twice. */
  metadata: jobUpdateMetadata.optional(),
})

export type JobUpdateSummary = z.infer<typeof jobUpdateSummary>

/** What a client saves. The state is whatever the events say, so one that is given is not looked at. */
export const jobUpdate = z.strictObject({
  summary: jobUpdateSummary.extend({ state: z.unknown().optional() }),
  instructions: jobUpdateInstructions,
})

export type JobUpdate = z.infer<typeof jobUpdate>

/** Given by whoever reports an event, so that a repetition is known as one. Ids that begin with # are ours. */
const eventId = name.refine((id) => !id.startsWith('#'), 'must not begin with #')

/** An update went to another status. */
export const jobUpdateEvent = z.strictObject({
  id: eventId.optional(),
  status: jobUpdateStatus,
  timestampMs: int64,
  user: text.optional(),
  message: text.optional(),
})

export type JobUpdateEvent = z.infer<typeof jobUpdateEvent>

/** Something was done to one instance. */
export const jobInstanceUpdateEvent = z.strictObject({
  id: eventId.optional(),
  instanceId,
  timestampMs: int64,
  action: z.enum(JOB_UPDATE_ACTIONS),
  message: text.optional(),
})

export type JobInstanceUpdateEvent = z.infer<typeof jobInstanceUpdateEvent>
