import * as z from 'zod'
import { lsn } from '../../model/scalars.ts'
import type { Snapshot } from '../../snapshot/catalog.ts'
import { manifestSchema, verificationSchema } from '../../snapshot/documents.ts'
import { pageLimit } from '../read-options.ts'
import type { Route } from '../route.ts'
import { keptState, keptStateOf } from './kept-state.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const DEFAULT_LIMIT = 20

const summary = z.object({
  id: z.string(),
  lsn,
  state: z
    .enum(['verified', 'complete', 'damaged', 'unfinished'])
    .describe('stores start from verified ones; complete: not restored by anybody yet; unfinished: without a manifest'),
  why: z.string().optional().describe('what is wrong with it'),
  bytes: z.int().describe('of all its objects'),
  ...keptState,
  verifiedAt: z.int().optional(),
  verifiedBy: z.enum(['replay', 'peer', 'copy']).optional(),
  deletedAfter: z.int().optional().describe('it is no longer needed: marked then, deleted an hour later'),
})

function summaryOf(snapshot: Snapshot): z.infer<typeof summary> {
  const { id, lsn, state, why, bytes, manifest, verification, deletion } = snapshot
  return {
    ...{ id, lsn, state, why, bytes },
    ...keptStateOf(manifest),
    ...{ verifiedAt: verification?.verifiedAt, verifiedBy: verification?.by },
    deletedAfter: deletion?.markedAt,
  }
}

const listSnapshots: Route = {
  method: 'GET',
  path: '/v1/snapshots',
  name: 'listSnapshots',
  summary: 'Snapshots of the store, the newest first',
  scope: 'admin',
  query: z.strictObject({
    limit: pageLimit(),
  }),
  answer: z.object({ items: z.array(summary) }),
  async handle({ node, query: { limit = DEFAULT_LIMIT } }) {
    const found = await node.snapshots.list(limit)
    return { body: JSON.stringify({ items: found.map(summaryOf) }) }
  },
}

const getSnapshot: Route = {
  method: 'GET',
  path: '/v1/snapshots/{snapshotId}',
  name: 'getSnapshot',
  summary: 'One snapshot with its documents; with check=true its whole image is read and compared with its checksums',
  scope: 'admin',
  params: z.strictObject({ snapshotId: z.string() }),
  query: z.strictObject({ check: z.enum(['true', 'false']).optional() }),
  answer: summary.extend({ manifest: manifestSchema.optional(), verification: verificationSchema.optional() }),
  async handle({ node, params, query }) {
    const found = await node.snapshots.find(params.snapshotId, { check: query.check === 'true' })
    const { manifest, verification } = found
    return { body: JSON.stringify({ ...summaryOf(found), manifest, verification }) }
  },
}

const outcome = z.object({
  made: z.boolean().describe('false: there was nothing new'),
  snapshotId: z.string().optional(),
  lsn: lsn.describe('the last entry that the newest snapshot has now'),
  reason: z.string().optional().describe('why none was made'),
})

const takeSnapshot: Route = {
  method: 'POST',
  path: '/v1/snapshots',
  name: 'takeSnapshot',
  summary:
    'Takes a snapshot, verifies it, and deletes those that are no longer needed; joins one that is on its way. ' +
    'Nobody waits for it but the caller',
  scope: 'admin',
  body: z.strictObject({
    check: z
      .boolean()
      .optional()
      .describe('when nothing is new, read the newest one again, and take another one if it is damaged'),
  }),
  answer: outcome,
  accepted: operation,
  async handle({ node, body }) {
    const { snapshots, operations } = node
    return startedAnswer(await operations.run('snapshot', MOST_WAIT_MS, () => snapshots.take(body)))
  },
}

export const snapshotRoutes = [listSnapshots, getSnapshot, takeSnapshot]
