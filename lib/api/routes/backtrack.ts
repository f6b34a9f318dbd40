import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { idempotencyKey } from '../../model/idempotency-key.ts'
import { lsn, text } from '../../model/scalars.ts'
import type { BacktrackTarget } from '../../node/node-backtrack.ts'
import { POINT_FORM, parsePoint } from '../../recovery/point.ts'
import type { Route } from '../route.ts'
import { parse } from '../router.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const keys = z.array(z.string()).optional()

export const differenceSummary = z.object({
  entities: z.array(
    z.object({
      entity: z.string(),
      added: z.int().describe('rows that it would bring back'),
      changed: z.int(),
      removed: z.int(),
      examples: z.object({ added: keys, changed: keys, removed: keys }),
    }),
  ),
  rows: z.int(),
  digest: z.string().describe('what to confirm, if it is to be just this difference'),
})

const place = z.object({ lsn, index: z.int().optional() })

const preview = z.object({ dryRun: z.literal(true), point: place, lsn, difference: differenceSummary })

const outcome = z.object({
  made: z.boolean().describe('false: the store was like that already'),
  point: place,
  lsn: lsn.describe('where the log stands with it'),
  transactionId: z.string().optional(),
  difference: differenceSummary,
})

const body = z
  .strictObject({
    target: z
      .union([z.int().nonnegative(), z.string()])
      .refine((target) => parsePoint(String(target)) !== undefined, POINT_FORM)
      .optional()
      .describe(POINT_FORM),
    undo: lsn.optional().describe('instead of a target: what this entry has written becomes what it was before it'),
    dryRun: z.boolean().optional(),
    confirm: z
      .string()
      .optional()
      .describe("needed without dryRun: the digest of the difference, or the store's id to take it as it is by then"),
  })
  .refine(({ target, undo }) => (target === undefined) !== (undo === undefined), 'needs either a target or an undo')

const postBacktrack: Route = {
  method: 'POST',
  path: '/v1/backtrack',
  name: 'backtrack',
  atLeader: 'always',
  summary:
    'Takes the store back to what it was at an LSN, a transaction (lsn.index) or a time, or undoes one entry, by one ' +
    'entry with the difference. Nothing is stopped meanwhile. With dryRun it only says what would change',
  scope: 'admin',
  body,
  answer: z.union([preview, outcome]),
  accepted: operation,
  async handle({ node, principal, headers, body }) {
    const target = targetOf(body)
    const { operations, moves } = node
    const { backtrack } = moves
    const given = parse(idempotencyKey.optional(), headers['idempotency-key'], 'Idempotency-Key') as string | undefined
    const reason = parse(text.max(400).optional(), headers['boreal-reason'], 'Boreal-Reason') as string | undefined
    if (body.dryRun === true) {
      const look = async () => ({ dryRun: true, ...(await backtrack.preview(target)) })
      const name = `preview ${JSON.stringify(target)}`
      return startedAnswer(await operations.run('backtrack', MOST_WAIT_MS, look, { name }))
    }
    if (body.confirm === undefined) throw unconfirmed()
    const key = given ?? backtrack.newKey()
    const request = { target, principal: principal.name, key, reason, confirm: body.confirm }
    const run = () => backtrack.run(request)
    const name = `${principal.name} ${key} ${JSON.stringify([target, body.confirm])}`
    const answer = startedAnswer(await operations.run('backtrack', MOST_WAIT_MS, run, { name }))
    return { ...answer, headers: { ...answer.headers, 'Idempotency-Key': key } }
  },
}

/** Nothing says that this is meant. */
export function unconfirmed(): BorealError {
  return new BorealError(
    'confirmation_required',
    'this changes the live store: look at the difference with dryRun, then send "confirm" with its digest, or with the ' +
      "store's id to take it as it is by then",
  )
}

function targetOf({ target, undo }: z.infer<typeof body>): BacktrackTarget {
  return undo === undefined ? parsePoint(String(target))! : { undo }
}

export const backtrackRoutes = [postBacktrack]
