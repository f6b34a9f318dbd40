import type { JobUpdateKey } from '../../lib/model/job-update.ts'
import { benchConfig } from './tasks.ts'

/** Job updates as clients send them. */
const STARTED_MS = 1_478_000_000_000

export function updateKey(id: string): JobUpdateKey {
  return { job: benchConfig(0).job, id }
}

/** Takes so many instances from one config to another, in batches. */
export function benchUpdate(key: JobUpdateKey, instances: number, groupSize: number) {
  const range = [{ first: 0, last: instances - 1 }]
  // Configs of the same job.
  const [from, to] = [benchConfig(0), benchConfig(1_000)].map(({ json }) => JSON.parse(json))
  return {
    summary: { key, user: 'bench', metadata: [{ key: 'commit', value: 'f00f00f00f00' }] },
    instructions: {
      initialState: [{ task: from, instances: range }],
      desiredState: { task: to, instances: range },
      settings: { updateGroupSize: groupSize, updateStrategy: { batch: { groupSize } } },
    },
  }
}

/** The first of its events. */
export const ROLLING = { status: 'ROLLING_FORWARD', timestampMs: STARTED_MS, user: 'bench' } as const

/** The instance events of an update in their order: a batch of instances begins, then it is done. */
export function instanceEvent(number: number, groupSize: number) {
  const inBatch = number % (2 * groupSize)
  const instanceId = Math.floor(number / (2 * groupSize)) * groupSize + (inBatch % groupSize)
  const action = inBatch < groupSize ? 'INSTANCE_UPDATING' : 'INSTANCE_UPDATED'
  return { instanceId, timestampMs: STARTED_MS + number, action } as const
}
