import * as z from 'zod'
import { jobKey, jobKeyText } from '../../model/job-key.ts'
import {
  jobInstanceUpdateEvent,
  jobUpdateEvent,
  jobUpdateInstructions,
  jobUpdateKey,
  jobUpdateKeyText,
  jobUpdateState,
  jobUpdateSummary,
} from '../../model/job-update.ts'
import { JOB_UPDATE_ACTIONS, jobUpdateStatus } from '../../model/job-update-status.ts'
import { identifier, lsn, name, text } from '../../model/scalars.ts'
import { instanceEventPage, jobUpdateByKey, jobUpdatePage, jobUpdateProgress } from '../../store/job-updates.ts'
import { largeRecordRoute, listRoute, recordRoute } from '../data-route.ts'
import { instanceNumber, repeated } from '../read-options.ts'

const path = '/v1/job-updates/{role}/{environment}/{name}/{id}'

const params = jobKey.extend({ id: name })

function keyText({ id, ...job }: z.infer<typeof params>): string {
  return jobUpdateKeyText({ job, id })
}

const summaryRecord = jobUpdateSummary.extend({ version: lsn })

const detailsRecord = z.object({
  update: z.object({ summary: jobUpdateSummary, instructions: jobUpdateInstructions }),
  updateEvents: z.array(jobUpdateEvent),
  instanceEvents: z.array(jobInstanceUpdateEvent),
  version: lsn,
})

const progressRecord = z.object({
  key: jobUpdateKey,
  state: jobUpdateState.optional(),
  instances: z.partialRecord(z.enum(JOB_UPDATE_ACTIONS), z.int()),
  version: lsn,
})

export const jobUpdateRoutes = [
  listRoute({
    path: '/v1/job-updates',
    name: 'listJobUpdates',
    summary: 'Summaries of job updates, newest modified first; different parameters AND, a repeated one OR',
    record: summaryRecord,
    filters: {
      role: repeated(identifier).optional(),
      jobKey: repeated(jobKeyText).optional(),
      user: repeated(text).optional(),
      status: repeated(jobUpdateStatus).optional(),
    },
    statement: ({ role, jobKey, user, status }, page) =>
      jobUpdatePage({ roles: role, jobIds: jobKey, users: user, statuses: status }, page),
  }),
  largeRecordRoute({
    path,
    name: 'getJobUpdate',
    summary: 'One job update: summary, instructions, and the events of both kinds in the order of time',
    params,
    record: detailsRecord,
    key: keyText,
    what: (key) => `job update ${keyText(key)}`,
    statement: jobUpdateByKey,
  }),
  recordRoute({
    path: `${path}/progress`,
    name: 'getJobUpdateProgress',
    summary: 'How far a job update is: its instances by the last thing that was done to them',
    params,
    record: progressRecord,
    what: (key) => `job update ${keyText(key)}`,
    statement: (key) => jobUpdateProgress(keyText(key)),
  }),
  listRoute({
    path: `${path}/instance-events`,
    name: 'listInstanceEvents',
    summary: 'Events of the instances of a job update, in the order of time; of some instances if any are named',
    params,
    record: jobInstanceUpdateEvent,
    filters: { instanceId: repeated(instanceNumber).optional() },
    statement: ({ instanceId = [] }, page, key) => instanceEventPage(keyText(key), instanceId, page),
  }),
]
