import type { z } from 'zod'
import type {
  JobInstanceUpdateEvent,
  JobUpdateAction,
  JobUpdateKey,
  JobUpdateStatus,
  Storage,
} from '../../lib/index.ts'
import { jobUpdate } from '../../lib/model/job-update.ts'
import { fullConfig } from './records.ts'
import { configIn } from './task-store.ts'

/** Job updates as clients save them. */
export type UpdateInput = z.input<typeof jobUpdate>

/** The key of an update of the job `role/prod/hello`. */
export function updateKey(role: string, id = 'u-1', name = 'hello'): JobUpdateKey {
  return { job: { role, environment: 'prod', name }, id }
}

/** A small update; its instructions and the fields of its summary can be given. */
export function updateOf(
  key: JobUpdateKey,
  instructions: Partial<UpdateInput['instructions']> = {},
  summary: Partial<UpdateInput['summary']> = {},
): UpdateInput {
  const desiredState = { task: configIn(key.job.role, key.job.name), instances: [{ first: 0, last: 3 }] }
  return { summary: { key, user: 'ann', ...summary }, instructions: { desiredState, ...instructions } }
}

/** Every field of an update, but for the state, which nobody can give. */
export function fullUpdate(key: JobUpdateKey): UpdateInput {
  const task = { ...fullConfig, job: key.job }
  const instances = [
    { first: 1, last: 4 },
    { first: 6, last: 6 },
  ]
  return {
    summary: {
      key,
      user: 'ann',
      metadata: [
        { key: 'commit', value: 'abc' },
        { key: 'ticket', value: 'é😀' },
      ],
    },
    instructions: {
      initialState: [
        { task: { ...task, priority: 1 }, instances },
        {
          task: { ...task, priority: 2 },
          instances: [
            { first: 7, last: 8 },
            { first: 10, last: 11 },
          ],
        },
      ],
      desiredState: { task, instances },
      settings: {
        updateGroupSize: 1,
        maxPerInstanceFailures: 2,
        maxFailedInstances: 3,
        minWaitInInstanceRunningMs: 4_000,
        rollbackOnFailure: true,
        updateOnlyTheseInstances: instances,
        waitForBatchCompletion: true,
        blockIfNoPulsesAfterMs: 5_000,
        slaAware: true,
        updateStrategy: { varBatch: { groupSizes: [1, 2, 3], autopauseAfterBatch: true } },
      },
    },
  }
}

/** An update as it is read after it was saved like this. */
export function storedUpdate(
  given: UpdateInput,
  state?: { status: JobUpdateStatus; created: number; modified: number },
) {
  const { summary, instructions } = jobUpdate.parse(given)
  const { state: _, ...rest } = summary
  const stateOf = ({ status, created, modified }: NonNullable<typeof state>) => {
    return { status, createdTimestampMs: created, lastModifiedTimestampMs: modified }
  }
  return { summary: { ...rest, ...(state === undefined ? {} : { state: stateOf(state) }) }, instructions }
}

/** The job update store of a storage, one closure an operation. */
export class UpdateStore {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  save(update: UpdateInput, lockToken?: string): Promise<void> {
    return this.#storage.write(({ jobUpdates }) => jobUpdates.save(update, lockToken))
  }

  event(key: JobUpdateKey, status: JobUpdateStatus, timestampMs: number): Promise<void> {
    return this.#storage.write(({ jobUpdates }) => jobUpdates.saveEvent(key, { status, timestampMs }))
  }

  instanceEvent(
    key: JobUpdateKey,
    instanceId: number,
    timestampMs: number,
    action: JobUpdateAction = 'INSTANCE_UPDATING',
  ): Promise<void> {
    const event: JobInstanceUpdateEvent = { instanceId, timestampMs, action }
    return this.#storage.write(({ jobUpdates }) => jobUpdates.saveInstanceEvent(key, event))
  }

  remove(...keys: JobUpdateKey[]): Promise<void> {
    return this.#storage.write(({ jobUpdates }) => jobUpdates.remove(keys))
  }

  details(key: JobUpdateKey) {
    return this.#storage.consistentRead(({ jobUpdates }) => jobUpdates.details(key))
  }

  /** Ids of the updates of a role, newest modified first. */
  async ids(role: string): Promise<string[]> {
    const found = await this.#storage.consistentRead(({ jobUpdates }) => jobUpdates.summaries({ role }))
    return found.map(({ key }) => key.id)
  }
}
