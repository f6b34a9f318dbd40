import { setTimeout as delay } from 'node:timers/promises'
import type { BorealClient } from '../client/client.ts'
import { BorealError, type ErrorCode } from '../model/errors.ts'

interface Operation<Result> {
  id: string
  state: 'running' | 'done' | 'failed'
  result?: Result
  problem?: { code: ErrorCode; detail: string }
}

/** What a request gives that may take long: its answer, or what comes of the operation that it has started. */
export async function outcomeOf<Result extends object>(
  client: BorealClient,
  body: Result | Operation<Result>,
): Promise<Result> {
  if (!('state' in body)) return body
  // The node goes on by itself; looks from time to time whether it is done.
  for (let operation = body; ; ) {
    const { state, result, problem } = operation
    if (state === 'done') return result!
    if (state === 'failed') throw new BorealError(problem!.code, problem!.detail)
    await delay(1_000)
    operation = await client.get<Operation<Result>>(`/v1/operations/${operation.id}`)
  }
}
