import * as z from 'zod'
import { type JobKey, jobId, jobKey } from '../../model/job-key.ts'
import {
  type JobInstanceUpdateEvent,
  type JobUpdateEvent,
  type JobUpdateInstructions,
  type JobUpdateKey,
  type JobUpdateSummary,
  type jobInstanceUpdateEvent,
  type jobUpdate,
  type jobUpdateEvent,
  jobUpdateKey,
  jobUpdateKeyText,
} from '../../model/job-update.ts'
import { type JobUpdateStatus, jobUpdateStatus } from '../../model/job-update-status.ts'
import {
  pruneJobUpdates,
  removeJobUpdates,
  saveJobInstanceUpdateEvent,
  saveJobUpdate,
  saveJobUpdateEvent,
} from '../../model/operations.ts'
import { identifier, text } from '../../model/scalars.ts'
import { instanceId } from '../../model/task.ts'
import { parsed } from '../answers.ts'
import type { Cover } from '../read-set.ts'
import { pathOf, type RecordRead, readList, readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** An update with everything that belongs to it. */
export interface JobUpdateDetails {
  update: { summary: JobUpdateSummary; instructions: JobUpdateInstructions }
  updateEvents: JobUpdateEvent[]
  instanceEvents: JobInstanceUpdateEvent[]
  version?: number | undefined
}

/** Which updates: all restrictions AND, the values inside one OR; null and empty mean no restriction. */
export interface JobUpdateQuery {
  role?: string | null | undefined
  key?: JobUpdateKey | null | undefined
  jobKey?: JobKey | null | undefined
  user?: string | null | undefined
  statuses?: readonly JobUpdateStatus[] | null | undefined
}

/** How jobs are taken from one configuration to another. */
export interface JobUpdateStore {
  /** Newest modified first. */
  summaries(query?: JobUpdateQuery): Promise<JobUpdateSummary[]>
  details(key: JobUpdateKey): Promise<JobUpdateDetails | undefined>
  /** Details of all that the query finds, newest modified first. */
  fetch(query?: JobUpdateQuery): Promise<JobUpdateDetails[]>
  /** In the order of time, of one instance if it is named. */
  instanceEvents(key: JobUpdateKey, of?: { instanceId?: number | null }): Promise<JobInstanceUpdateEvent[]>
}

/** The operations are refused when the closure commits, or at the next read that would show them. */
export interface MutableJobUpdateStore extends JobUpdateStore {
  /** Creates; one that exists is `already_exists`. A given token must be that of the lock on the job. */
  save(update: z.input<typeof jobUpdate>, lockToken?: string): void
  /** Adds an event; an unknown update is `constraint_violation`. */
  saveEvent(key: JobUpdateKey, event: z.input<typeof jobUpdateEvent>): void
  saveInstanceEvent(key: JobUpdateKey, event: z.input<typeof jobInstanceUpdateEvent>): void
  /** Removes updates with their events; unknown keys are ignored. */
  remove(keys: readonly JobUpdateKey[]): void
  /** Removes terminal updates that are old, or too many for their job. Gives their keys. */
  prune(history: { perJobRetainCount: number; historyPruneThresholdMs: number }): Promise<JobUpdateKey[]>
}

const query = z.strictObject({
  role: identifier.nullish(),
  key: jobUpdateKey.nullish(),
  jobKey: jobKey.nullish(),
  user: text.nullish(),
  statuses: z.array(jobUpdateStatus).nullish(),
})

/** Updates refer to the locks on their jobs. */
const SEES = ['jobUpdate', 'lock'] as const

export function jobUpdateStore(session: Session): MutableJobUpdateStore {
  const details = (key: JobUpdateKey) => readRecord<JobUpdateDetails>(session, updateRead(key))
  const save = (operation: z.infer<typeof saveJobUpdateEvent> | z.infer<typeof saveJobInstanceUpdateEvent>) => {
    session.write('jobUpdate', operation)
    session.own.doubt('jobUpdate', [jobUpdateKeyText(operation.key)])
  }
  const summaries = async (given: JobUpdateQuery) => {
    const wanted = parsed(query, given, 'query')
    if (!wanted.key)
      return readList<JobUpdateSummary>(session, { path: listPath(wanted), covers: coversOf(wanted), sees: SEES })
    const found = await details(wanted.key)
    if (found === undefined || !matches(wanted, found.update.summary)) return []
    return [{ ...found.update.summary, ...(found.version === undefined ? {} : { version: found.version }) }]
  }
  return {
    summaries: async (given = {}) => summaries(given),

    details: async (key) => details(parsed(jobUpdateKey, key, 'key')),

    async fetch(given = {}) {
      const found = await Promise.all((await summaries(given)).map(({ key }) => details(key)))
      return found.filter((each) => each !== undefined)
    },

    async instanceEvents(given, of = {}) {
      const key = parsed(jobUpdateKey, given, 'key')
      const instance = parsed(instanceId.nullish(), of.instanceId, 'instanceId')
      const path = pathOf(`${pathTo(key)}/instance-events`, { instanceId: instance == null ? [] : [instance] })
      return readList(session, { path, covers: coversOf({ jobKey: key.job }), sees: SEES })
    },

    save(update, lockToken) {
      const given = { op: 'saveJobUpdate', jobUpdate: update, ...(lockToken === undefined ? {} : { lockToken }) }
      const operation = parsed(saveJobUpdate, given)
      session.write('jobUpdate', operation)
      session.own.doubt('jobUpdate', [jobUpdateKeyText(operation.jobUpdate.summary.key)])
    },

    saveEvent: (key, event) => save(parsed(saveJobUpdateEvent, { op: 'saveJobUpdateEvent', key, event })),

    saveInstanceEvent: (key, event) =>
      save(parsed(saveJobInstanceUpdateEvent, { op: 'saveJobInstanceUpdateEvent', key, event })),

    remove(keys) {
      const operation = parsed(removeJobUpdates, { op: 'removeJobUpdates', keys })
      session.write('jobUpdate', operation)
      for (const key of operation.keys) session.own.removed('jobUpdate', jobUpdateKeyText(key))
    },

    async prune(history) {
      const operation = parsed(pruneJobUpdates, { op: 'pruneJobUpdates', ...history })
      session.write('jobUpdate', operation)
      session.own.doubt('jobUpdate')
      const { results } = await session.ask(undefined, session.buffer.on(SEES), () => ({ covers: coversOf({}) }))
      return results.at(-1)?.keys ?? []
    },
  }
}

function pathTo({ job, id }: JobUpdateKey): string {
  return `/v1/job-updates/${jobId(job)}/${encodeURIComponent(id)}`
}

function updateRead(key: JobUpdateKey): RecordRead<JobUpdateDetails> {
  const within = () => ({ job: jobId(key.job) })
  return { path: pathTo(key), entity: 'jobUpdate', key: jobUpdateKeyText(key), sees: SEES, within }
}

type Wanted = z.infer<typeof query>

function listPath({ role, jobKey, user, statuses }: Wanted): string {
  const of = { role, jobKey: jobKey ? jobId(jobKey) : undefined, user: user || undefined, status: statuses }
  return pathOf('/v1/job-updates', of)
}

function coversOf({ role, jobKey }: Wanted): Cover[] {
  const scope = jobKey ? { job: jobId(jobKey) } : role ? { role } : {}
  return [{ entity: 'jobUpdate', scope }]
}

function matches({ role, jobKey, user, statuses }: Wanted, summary: JobUpdateSummary): boolean {
  const { job } = summary.key
  return (
    (!role || role === job.role) &&
    (!jobKey || jobId(jobKey) === jobId(job)) &&
    (!user || user === summary.user) &&
    (!statuses?.length || (summary.state !== undefined && statuses.includes(summary.state.status)))
  )
}
