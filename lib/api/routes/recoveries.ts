import * as z from 'zod'
import { idempotencyKey } from '../../model/idempotency-key.ts'
import { text } from '../../model/scalars.ts'
import type { BorealNode } from '../../node/node.ts'
import { type Recovery, recoverySchema } from '../../recovery/descriptor.ts'
import { type PointTarget, parseTime, TIME_FORM } from '../../recovery/point.ts'
import type { Route } from '../route.ts'
import { parse } from '../router.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const { target, point, entryTime, state, stagedAt, stagedBy, reason, committed } = recoverySchema.shape

const recoveryAnswer = z.object({
  id: z.string(),
  ...{ state, point, entryTime, target, stagedAt, stagedBy, reason, committed },
  edits: z.int().describe('changes on top of the point'),
  here: z
    .enum(['open', 'opening', 'failed', 'closed'])
    .describe('its store on this node; one that is closed is restored when somebody reads it'),
})

function answerOf(node: BorealNode, recovery: Recovery): z.infer<typeof recoveryAnswer> {
  const { recoveryId, format: _, storeId: __, request: ___, checksum: ____, edits, ...shown } = recovery
  return { id: recoveryId, ...shown, edits: edits.length, here: node.past.stores.stateOf(recovery.point) }
}

/** One of three ways to name a point. */
const targetRequest = z
  .strictObject({
    lsn: z.int().nonnegative().optional(),
    index: z
      .int()
      .nonnegative()
      .optional()
      .describe('with lsn: the last transaction of that entry that counts, from 0'),
    time: z.union([z.string(), z.int()]).optional().describe('ISO 8601 with its zone, ms since 1970, or relative: -2h'),
    backupId: z.string().max(100).optional().describe('of a backup or a snapshot'),
  })
  .transform(({ lsn, index, time, backupId }, context): PointTarget => {
    const refuse = (path: string, message: string) => {
      context.addIssue({ code: 'custom', message, path: [path].filter((name) => name !== '') })
      return z.NEVER
    }
    const given = [lsn, time, backupId].filter((value) => value !== undefined)
    if (given.length !== 1) return refuse('', 'must have exactly one of lsn, time and backupId')
    if (index !== undefined && lsn === undefined) return refuse('index', 'goes with lsn alone')
    if (lsn !== undefined) return index === undefined ? { lsn } : { lsn, index }
    if (backupId !== undefined) return { backupId }
    return parseTime(String(time)) ?? refuse('time', TIME_FORM)
  })

const recoveryParams = z.strictObject({ recoveryId: z.string() })

const listRecoveries: Route = {
  method: 'GET',
  path: '/v1/recoveries',
  name: 'listRecoveries',
  summary: 'Recoveries that are staged, the newest first',
  scope: 'admin',
  answer: z.object({
    items: z.array(recoveryAnswer),
    damaged: z.array(z.object({ id: z.string(), why: z.string() })).describe('to be unloaded'),
  }),
  async handle({ node }) {
    const { found, damaged } = await node.recoveries.list()
    return { body: JSON.stringify({ items: found.map((recovery) => answerOf(node, recovery)), damaged }) }
  },
}

const getRecovery: Route = {
  method: 'GET',
  path: '/v1/recoveries/{recoveryId}',
  name: 'getRecovery',
  summary:
    'One recovery. What it has is read with recovery={recoveryId} on the routes of the data, /v1/reads and /v1/query',
  scope: 'admin',
  params: recoveryParams,
  answer: recoveryAnswer,
  async handle({ node, params }) {
    return { body: JSON.stringify(answerOf(node, await node.recoveries.find(params.recoveryId))) }
  },
}

const stageRecovery: Route = {
  method: 'POST',
  path: '/v1/recoveries',
  name: 'stageRecovery',
  summary:
    'Stages an earlier state, to be looked into beside the present one: nothing is changed, nobody waits for it. A time is ' +
    'fixed to an LSN. Header Idempotency-Key makes a retry find what was staged; header Boreal-Reason is kept with it',
  scope: 'admin',
  body: z.strictObject({ target: targetRequest }),
  answer: recoveryAnswer,
  accepted: operation,
  async handle({ node, principal, headers, body }) {
    const { recoveries, operations, past } = node
    const key = parse(idempotencyKey.optional(), headers['idempotency-key'], 'Idempotency-Key') as string | undefined
    const reason = parse(text.max(500).optional(), headers['boreal-reason'], 'Boreal-Reason') as string | undefined
    const staged = await recoveries.stage({ target: body.target, reason }, { principal: principal.name, key })
    const { recoveryId, point } = staged.recovery
    const restored = async () => answerOf(node, await recoveries.restore(staged))
    const started = await operations.run('recovery', MOST_WAIT_MS, restored, {
      name: recoveryId,
      progress: () => ({ recoveryId, ...past.stores.progress(point) }),
    })
    const answer = startedAnswer(started)
    return { ...answer, headers: { ...answer.headers, 'Idempotency-Key': staged.key } }
  },
}

const unloadRecovery: Route = {
  method: 'DELETE',
  path: '/v1/recoveries/{recoveryId}',
  name: 'unloadRecovery',
  summary:
    'Forgets a recovery and ends its store. The state stays restorable as long as snapshots and log reach back to it',
  scope: 'admin',
  params: recoveryParams,
  answer: z.object({ id: z.string(), unloaded: z.literal(true) }),
  async handle({ node, params: { recoveryId: id } }) {
    await node.recoveries.unload(id)
    return { body: JSON.stringify({ id, unloaded: true }) }
  },
}

export const recoveryRoutes = [listRecoveries, getRecovery, stageRecovery, unloadRecovery]
