import { setTimeout as delay } from 'node:timers/promises'
import type { BorealClient } from '../client/client.ts'
import { BorealError, type ErrorCode } from '../model/errors.ts'

/** Work that takes longer than a request may, as the server describes it. */
export interface Operation<T> {
  id: string
  state: 'running' | 'done' | 'failed'
  result?: T
  problem?: { code: ErrorCode; detail: string }
}

/** The result of work that was begun. The node goes on by itself; looks from time to time whether it is done. */
export async function operationResult<T>(client: BorealClient, started: Operation<T>): Promise<T> {
  for (let operation = started; ; ) {
    const { state, result, problem } = operation
    if (state === 'done') return result!
    if (state === 'failed') throw new BorealError(problem!.code, problem!.detail)
    await delay(1_000)
    operation = await client.get<Operation<T>>(`/v1/operations/${operation.id}`)
  }
}
