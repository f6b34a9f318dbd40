import { getOrInsert } from '../model/get-or-insert.ts'
import { ACTIVE_COUNTERS } from '../store/job-changes.ts'
import type { Table } from '../store/table.ts'

export interface JobDifference {
  /** Rows of any kind that belong to the job. */
  members: number
  activeTasks: number
}

/** By how much rows that changed have changed what belongs to each job. Kept as they change, so asking costs nothing. */
export class JobTally {
  readonly #jobs = new Map<string, JobDifference>()

  /** Counts a row in (+1) or out (−1). */
  count(table: Table, row: object, by: 1 | -1): void {
    const place = table.job?.(row)
    if (place === undefined) return
    const difference = this.#of(place.jobId)
    difference.members += by
    if (ACTIVE_COUNTERS.includes(place.counter)) difference.activeTasks += by
  }

  add(other: JobTally): void {
    for (const [jobId, { members, activeTasks }] of other.#jobs) {
      const difference = this.#of(jobId)
      difference.members += members
      difference.activeTasks += activeTasks
    }
  }

  /** `undefined` when nothing of the job was touched. */
  get(jobId: string): JobDifference | undefined {
    return this.#jobs.get(jobId)
  }

  jobIds(): Iterable<string> {
    return this.#jobs.keys()
  }

  #of(jobId: string): JobDifference {
    return getOrInsert(this.#jobs, jobId, () => ({ members: 0, activeTasks: 0 }))
  }
}
