import * as z from 'zod'
import { idempotencyKey } from '../../model/idempotency-key.ts'
import { lsn, text } from '../../model/scalars.ts'
import { editRequest } from '../../recovery/edits.ts'
import { TABLES } from '../../store/apply-event.ts'
import { pageLimit } from '../read-options.ts'
import type { Route } from '../route.ts'
import { parse } from '../router.ts'
import { differenceSummary, unconfirmed } from './backtrack.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'
import { checkSize } from './transactions.ts'

const recoveryParams = z.strictObject({ recoveryId: z.string() })

const DEFAULT_LIMIT = 50
const entities = TABLES.map(({ entity }) => entity) as [string, ...string[]]

const differing = z.object({
  lsn: lsn.describe('at which the live store was compared'),
  difference: differenceSummary.optional().describe('without entity'),
  items: z
    .array(
      z.object({
        key: z.string(),
        change: z.enum(['added', 'changed', 'removed']).describe('what a commit would do'),
        live: z.looseObject({}).optional(),
        target: z.looseObject({}).optional().describe('as the recovery has it'),
      }),
    )
    .optional()
    .describe('with entity'),
  nextCursor: z.string().optional().describe('pass it as `after`'),
})

const getDifference: Route = {
  method: 'GET',
  path: '/v1/recoveries/{recoveryId}/diff',
  name: 'getRecoveryDifference',
  summary: 'How a recovery differs from the live store: counts by entity, or the rows of one entity in pages',
  scope: 'admin',
  params: recoveryParams,
  query: z.strictObject({
    entity: z.enum(entities).optional(),
    after: z.string().max(4_000).optional(),
    limit: pageLimit(500),
  }),
  answer: differing,
  accepted: operation,
  async handle({ node, params: { recoveryId }, query: { entity, after, limit = DEFAULT_LIMIT } }) {
    const { moves, operations } = node
    const { recoveries } = moves
    if (entity === undefined) {
      const name = `difference ${recoveryId}`
      return startedAnswer(
        await operations.run('recovery', MOST_WAIT_MS, () => recoveries.difference(recoveryId), { name }),
      )
    }
    const look = async () => {
      const { next, ...page } = await recoveries.rows(recoveryId, entity, { after, limit })
      return { ...page, ...(next === undefined ? {} : { nextCursor: next }) }
    }
    const name = JSON.stringify(['difference', recoveryId, entity, after, limit])
    return startedAnswer(await operations.run('recovery', MOST_WAIT_MS, look, { name }))
  },
}

const editRecovery: Route = {
  method: 'POST',
  path: '/v1/recoveries/{recoveryId}/edits',
  name: 'editRecovery',
  summary: 'Changes what a recovery has, by operations as in a transaction. The live store is not touched',
  scope: 'admin',
  params: recoveryParams,
  body: editRequest,
  checkSize,
  answer: z.object({ id: z.string(), edits: z.int().describe('how many there are now') }),
  accepted: operation,
  async handle({ node, principal, params: { recoveryId }, body }) {
    const { moves, operations } = node
    const { recoveries } = moves
    const edit = async () => {
      const { edits } = await recoveries.edit(recoveryId, body.operations, principal.name)
      return { id: recoveryId, edits: edits.length }
    }
    const name = `edit ${recoveries.newKey()}`
    return startedAnswer(await operations.run('recovery', MOST_WAIT_MS, edit, { name }))
  },
}

const outcome = z.object({
  made: z.boolean().describe('false: the store was like that already'),
  lsn: lsn.describe('where the log stands with it'),
  transactionId: z.string().optional(),
  difference: differenceSummary,
})

const commitRecovery: Route = {
  method: 'POST',
  path: '/v1/recoveries/{recoveryId}/commit',
  name: 'commitRecovery',
  atLeader: 'always',
  summary:
    'Makes the live store like a recovery, by one entry with the difference. Nothing is stopped meanwhile. With dryRun ' +
    'it only says what would change',
  scope: 'admin',
  params: recoveryParams,
  body: z.strictObject({
    dryRun: z.boolean().optional(),
    confirm: z
      .string()
      .optional()
      .describe("needed without dryRun: the digest of the difference, or the store's id to take it as it is by then"),
  }),
  answer: z.union([z.object({ dryRun: z.literal(true), lsn, difference: differenceSummary }), outcome]),
  accepted: operation,
  async handle({ node, principal, headers, params: { recoveryId }, body: { dryRun, confirm } }) {
    const { moves, operations } = node
    const { recoveries } = moves
    const given = parse(idempotencyKey.optional(), headers['idempotency-key'], 'Idempotency-Key') as string | undefined
    const reason = parse(text.max(400).optional(), headers['boreal-reason'], 'Boreal-Reason') as string | undefined
    if (dryRun === true) {
      const look = async () => ({ dryRun: true, ...(await recoveries.difference(recoveryId)) })
      return startedAnswer(await operations.run('recovery', MOST_WAIT_MS, look, { name: `preview ${recoveryId}` }))
    }
    if (confirm === undefined) throw unconfirmed()
    const key = given ?? recoveries.newKey()
    const commit = () => recoveries.commit(recoveryId, { principal: principal.name, key, confirm, reason })
    const name = `commit ${principal.name} ${key} ${confirm}`
    const answer = startedAnswer(await operations.run('recovery', MOST_WAIT_MS, commit, { name }))
    return { ...answer, headers: { ...answer.headers, 'Idempotency-Key': key } }
  },
}

export const recoveryChangeRoutes = [getDifference, editRecovery, commitRecovery]
