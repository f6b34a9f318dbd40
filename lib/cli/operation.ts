import { setTimeout as delay } from 'node:timers/promises'
import type { BorealClient } from '../client/client.ts'
import { BorealError, type ErrorCode } from '../model/errors.ts'

/** What is answered instead of a result that takes its time. */
export interface StartedOperation {
  id: string
  kind: string
  state: 'running' | 'done' | 'failed'
  progress?: Record<string, unknown>
  result?: unknown
  problem?: { code: ErrorCode; detail: string }
}

/**
 * The result of an operation. The node goes on by itself; this looks from time to time whether it is done.
 *
 * @throws BorealError what it failed with
 */
export async function operationEnded<R>(
  client: BorealClient,
  started: StartedOperation,
  onProgress: (progress: Record<string, unknown>) => void = () => undefined,
): Promise<R> {
  for (let operation = started; ; ) {
    const { state, progress, result, problem } = operation
    if (state === 'done') return result as R
    if (state === 'failed') throw new BorealError(problem!.code, problem!.detail)
    if (progress !== undefined) onProgress(progress)
    await delay(1_000)
    operation = await client.get<StartedOperation>(`/v1/operations/${operation.id}`)
  }
}
