import * as z from 'zod'
import { lsn } from '../../model/scalars.ts'
import { editRequest } from '../../recovery/edits.ts'
import { TABLES } from '../../store/apply-event.ts'
import { pageLimit } from '../read-options.ts'
import type { Route } from '../route.ts'
import { answerMove, confirmation, differenceSummary } from './moves.ts'
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
    const name = `edit ${node.runtime.newId()}`
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
  body: z.strictObject(confirmation),
  answer: z.union([z.object({ dryRun: z.literal(true), lsn, difference: differenceSummary }), outcome]),
  accepted: operation,
  handle(request) {
    const { recoveryId } = request.params
    const { recoveries } = request.node.moves
    return answerMove(request, {
      kind: 'recovery',
      what: recoveryId,
      preview: () => recoveries.difference(recoveryId),
      run: (move) => recoveries.commit(recoveryId, move),
    })
  },
}

export const recoveryChangeRoutes = [getDifference, editRecovery, commitRecovery]
