import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { hashOfKey, idempotencyKey, timeOfKey } from '../../model/idempotency-key.ts'
import { lsn, text } from '../../model/scalars.ts'
import { MAX_OPERATIONS, MAX_PRECONDITIONS, transactionAnswer, transactionRequest } from '../../model/transaction.ts'
import { horizonStatement, idempotencyPlace, placeOf } from '../../store/idempotency.ts'
import { jsonOf } from '../../store/result-set.ts'
import { TIMEOUT } from '../forward.ts'
import { invalid } from '../problem.ts'
import type { ApiRequest, Route } from '../route.ts'

const reasonHeader = text.max(500).optional()

/** A node that passes a request on says how long it still waits. */
const timeoutHeader = z.coerce.number().int().min(1).max(25_000).optional()

const submitTransaction: Route = {
  method: 'POST',
  path: '/v1/transactions',
  name: 'submitTransaction',
  atLeader: 'always',
  summary:
    'Commits operations atomically if the preconditions hold. Header Idempotency-Key (1 to 128 characters) makes a ' +
    'retry safe; header Boreal-Reason is kept in the log',
  scope: 'write',
  body: transactionRequest,
  checkSize,
  answer: transactionAnswer,
  async handle({ node, principal, headers, body }) {
    const given = headers['idempotency-key']
    const key = given === undefined ? undefined : parsed(idempotencyKey, given, 'Idempotency-Key')
    const reason = parsed(reasonHeader, headers['boreal-reason'], 'Boreal-Reason')
    const timeoutMs = parsed(timeoutHeader, headers[TIMEOUT], 'Boreal-Timeout-Ms')
    const answer = await node.submit(body, { principal: principal.name, key, reason, timeoutMs })
    return {
      body: JSON.stringify(answer),
      headers: {
        'Boreal-Lsn': String(answer.lsn),
        // The server's own key is for reference only; just the client's are remembered.
        'Idempotency-Key': key ?? answer.transactionId,
      },
    }
  },
}

/** @throws BorealError `too_many_operations` or `too_large` */
export function checkSize(body: unknown): void {
  const { operations, preconditions } = Object(body) as Record<string, unknown>
  if (Array.isArray(operations) && operations.length > MAX_OPERATIONS) {
    throw new BorealError(
      'too_many_operations',
      `a transaction has at most ${MAX_OPERATIONS} operations, not ${operations.length}; divide it`,
    )
  }
  if (Array.isArray(preconditions) && preconditions.length > MAX_PRECONDITIONS) {
    throw new BorealError(
      'too_large',
      `a transaction has at most ${MAX_PRECONDITIONS} preconditions, not ${preconditions.length}; use scopes`,
    )
  }
}

const transactionState = z.union([
  transactionAnswer.extend({ state: z.literal('committed') }),
  z.object({ state: z.literal('unknown'), lsn }),
])

const getTransaction: Route = {
  method: 'GET',
  path: '/v1/transactions/{key}',
  name: 'getTransaction',
  summary: 'Whether the transaction with this idempotency key of yours is in the log, and its answer',
  scope: 'read',
  params: z.strictObject({ key: idempotencyKey }),
  query: z.strictObject({}),
  answer: transactionState,
  async handle({ node, principal, params }: ApiRequest) {
    const hash = hashOfKey(principal.name, params.key)
    const { lsn, results } = await node.read([idempotencyPlace(hash), horizonStatement], { level: 'consistent' })
    const place = placeOf(results[0])
    const headers = { 'Boreal-Lsn': String(lsn) }
    if (place !== undefined) {
      const answer = await node.answerAt(place.lsn, place.index)
      return { body: JSON.stringify({ state: 'committed', ...answer }), headers }
    }
    const time = timeOfKey(params.key)
    if (time !== undefined && time < (jsonOf<number>(results[1]) ?? 0)) {
      throw new BorealError('idempotency_key_expired', 'this key is older than what the store remembers')
    }
    return { body: JSON.stringify({ state: 'unknown', lsn }), headers }
  },
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, header: string): z.infer<T> {
  const result = schema.safeParse(value)
  if (!result.success) throw invalid(result.error, header)
  return result.data
}

export const transactionRoutes = [submitTransaction, getTransaction]
