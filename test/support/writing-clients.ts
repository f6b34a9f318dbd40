import { setTimeout as delay } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import type { TransactionAnswer } from '../../lib/model/transaction.ts'
import type { TestApi } from './test-api.ts'

/** What a client got for one transaction, and what it did to get it. */
export interface Outcome {
  key: string
  /** Committed with this answer, refused with this code. */
  answer?: TransactionAnswer
  refusal?: string
  // biome-ignore lint/suspicious/noExplicitAny: the problem as it came.
  problem?: any
  body: unknown
  tries: number
}

/** Codes that leave the outcome open: the same request is sent again with the same key. */
const OPEN = new Set(['outcome_unknown', 'log_unavailable', 'not_ready', 'overloaded', 'deadline_exceeded'])

/** Sends a transaction until it is definitely committed or refused, whatever happens to the server meanwhile. */
export async function persist(
  api: () => TestApi,
  operations: unknown[],
  preconditions: unknown[] = [],
): Promise<Outcome> {
  const key = uuidv7()
  const body = { operations, preconditions }
  for (let tries = 1; ; tries++) {
    const response = await api()
      .send('POST', '/v1/transactions', body, { 'idempotency-key': key })
      .catch(() => undefined)
    if (response?.status === 200) return { key, answer: response.body, body, tries }
    const code = response?.body.code
    if (code !== undefined && !OPEN.has(code)) return { key, refusal: code, problem: response!.body, body, tries }
    await delay(20 + Math.random() * 80)
  }
}

/** Place of every idempotency key in the log: where it stands, and how often. */
export async function keysInLog(api: TestApi): Promise<Map<string, { lsn: number; id: string }[]>> {
  const places = new Map<string, { lsn: number; id: string }[]>()
  for (let after = 0; ; ) {
    const { body } = await api.get(`/v1/log?after=${after}&limit=1000`)
    for (const entry of body.items) {
      after = entry.lsn
      for (const { idempotencyKey, id } of entry.transactions) {
        if (idempotencyKey === undefined) continue
        places.set(idempotencyKey, [...(places.get(idempotencyKey) ?? []), { lsn: entry.lsn, id }])
      }
    }
    if (body.nextCursor === undefined) return places
  }
}
