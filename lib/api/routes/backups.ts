import * as z from 'zod'
import type { Backup } from '../../backup/catalog.ts'
import { backupSchema, drillSchema } from '../../backup/documents.ts'
import { lsn } from '../../model/scalars.ts'
import { pageLimit } from '../read-options.ts'
import type { Route } from '../route.ts'
import { keptState, keptStateOf } from './kept-state.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const DEFAULT_LIMIT = 50

const summary = z.object({
  id: z.string(),
  lsn,
  state: z.enum(['complete', 'damaged', 'unfinished']).describe('unfinished: somebody is at it, or was stopped'),
  why: z.string().optional().describe('what is wrong with it'),
  bytes: z.int().describe('of all its objects'),
  ...keptState,
  drilledAt: z.int().optional().describe('when it was last restored to see whether it can be; absent: never'),
  drillPassed: z.boolean().optional(),
  deletedAfter: z.int().optional().describe('it is no longer kept: marked then, deleted an hour later'),
})

function summaryOf({ id, lsn, state, why, bytes, document, drill, deletion }: Backup): z.infer<typeof summary> {
  return {
    ...{ id, lsn, state, why, bytes },
    ...keptStateOf(document),
    ...{ drilledAt: drill?.drilledAt, drillPassed: drill?.passed },
    deletedAfter: deletion?.markedAt,
  }
}

const listBackups: Route = {
  method: 'GET',
  path: '/v1/backups',
  name: 'listBackups',
  summary: 'Backups of the store, the newest first, with their sizes and when each was last restored to see',
  scope: 'admin',
  query: z.strictObject({
    limit: pageLimit(),
  }),
  answer: z.object({ items: z.array(summary) }),
  async handle({ node, query: { limit = DEFAULT_LIMIT } }) {
    const found = await node.backups.list(limit)
    return { body: JSON.stringify({ items: found.map(summaryOf) }) }
  },
}

const getBackup: Route = {
  method: 'GET',
  path: '/v1/backups/{backupId}',
  name: 'getBackup',
  summary: 'One backup with its document and the report of its last restore drill',
  scope: 'admin',
  params: z.strictObject({ backupId: z.string() }),
  answer: summary.extend({ document: backupSchema.optional(), drill: drillSchema.optional() }),
  async handle({ node, params }) {
    const found = await node.backups.find(params.backupId)
    const { document, drill } = found
    return { body: JSON.stringify({ ...summaryOf(found), document, drill }) }
  },
}

const takeBackup: Route = {
  method: 'POST',
  path: '/v1/backups',
  name: 'takeBackup',
  summary:
    'Makes a backup of the newest state and deletes those that are no longer kept; joins one that is on its way. Nobody ' +
    'waits for it but the caller',
  scope: 'admin',
  body: z.strictObject({}),
  answer: z.object({
    made: z.boolean().describe('false: there was nothing new'),
    backupId: z.string().optional(),
    lsn: lsn.describe('the last entry that the newest backup has now'),
    reason: z.string().optional().describe('why none was made, or why it is older than it should be'),
  }),
  accepted: operation,
  async handle({ node }) {
    const { backups, operations } = node
    return startedAnswer(await operations.run('backup', MOST_WAIT_MS, () => backups.take()))
  },
}

const finding = drillSchema.shape.image

const verifyBackup: Route = {
  method: 'POST',
  path: '/v1/backups/{backupId}/verify',
  name: 'verifyBackup',
  summary:
    'A restore drill: restores the backup into fresh stores, from its image and from its dump, and compares what they hold ' +
    'with what it should be. The report is kept beside the backup',
  scope: 'admin',
  params: z.strictObject({ backupId: z.string() }),
  body: z.strictObject({}),
  answer: z.object({ backupId: z.string(), lsn, passed: z.boolean(), image: finding, dump: finding }),
  accepted: operation,
  async handle({ node, params: { backupId } }) {
    const { backups, operations } = node
    const drill = () => backups.drill(backupId)
    return startedAnswer(await operations.run('drill', MOST_WAIT_MS, drill, { name: backupId }))
  },
}

export const backupRoutes = [listBackups, getBackup, takeBackup, verifyBackup]
