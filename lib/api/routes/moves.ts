import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { idempotencyKey } from '../../model/idempotency-key.ts'
import { text } from '../../model/scalars.ts'
import type { Operation } from '../../node/operations.ts'
import type { ApiAnswer, ApiRequest } from '../route.ts'
import { parse } from '../router.ts'
import { MOST_WAIT_MS, startedAnswer } from './operations.ts'

/** What a backtrack and the commit of a recovery have in common: they make the live store like another state. */

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

/** Fields of the body that say whether it is to be done. */
export const confirmation = {
  dryRun: z.boolean().optional(),
  confirm: z
    .string()
    .optional()
    .describe("needed without dryRun: the digest of the difference, or the store's id to take it as it is by then"),
}

export interface MoveRequest {
  principal: string
  key: string
  reason: string | undefined
  confirm: string
}

/** Says what would change, or does it when it was confirmed. `what` tells one such request from another. */
export async function answerMove(
  { node, principal, headers, body: { dryRun, confirm } }: ApiRequest,
  move: {
    kind: Operation['kind']
    what: string
    preview(): Promise<object>
    run(request: MoveRequest): Promise<object>
  },
): Promise<ApiAnswer> {
  const { kind, what } = move
  const given = parse(idempotencyKey.optional(), headers['idempotency-key'], 'Idempotency-Key') as string | undefined
  const reason = parse(text.max(400).optional(), headers['boreal-reason'], 'Boreal-Reason') as string | undefined
  const started = (name: string, work: () => Promise<object>) =>
    node.operations.run(kind, MOST_WAIT_MS, work, { name }).then(startedAnswer)
  if (dryRun === true) {
    return started(`preview ${what}`, async () => ({ dryRun: true, ...(await move.preview()) }))
  }
  if (confirm === undefined) throw unconfirmed()
  const key = given ?? node.runtime.newId()
  const request = { principal: principal.name, key, reason, confirm }
  const answer = await started(`${principal.name} ${key} ${what} ${confirm}`, () => move.run(request))
  return { ...answer, headers: { ...answer.headers, 'Idempotency-Key': key } }
}

/** Nothing says that this is meant. */
function unconfirmed(): BorealError {
  return new BorealError(
    'confirmation_required',
    'this changes the live store: look at the difference with dryRun, then send "confirm" with its digest, or with the ' +
      "store's id to take it as it is by then",
  )
}
