import type { LoggedTransaction } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { TransactionAnswer } from '../model/transaction.ts'

/** Retries come soon after, so the last answers are kept at hand. */
const MAX_CACHED = 5_000

/** The answer of a committed transaction, with the hash of the request it belongs to. */
export interface PastAnswer {
  answer: TransactionAnswer
  request: string | undefined
}

/** Answers of transactions that are in the log, by their place there. */
export class Answers {
  readonly #log: Log
  readonly #cached = new Map<string, PastAnswer>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Remembers an answer that is being given. */
  add(lsn: number, index: number, transaction: LoggedTransaction): TransactionAnswer {
    const past = pastAnswer(lsn, transaction)
    if (this.#cached.size >= MAX_CACHED) this.#cached.delete(this.#cached.keys().next().value!)
    this.#cached.set(`${lsn}.${index}`, past)
    return past.answer
  }

  /** The answer of the transaction at a place of the log. */
  async at(lsn: number, index: number): Promise<PastAnswer> {
    const cached = this.#cached.get(`${lsn}.${index}`)
    if (cached !== undefined) return cached
    const transaction = (await this.#log.entry(lsn))?.transactions[index]
    if (transaction === undefined) throw new BorealError('log_corrupt', `log entry ${lsn} has no transaction ${index}`)
    return pastAnswer(lsn, transaction)
  }
}

function pastAnswer(lsn: number, { id, request, results }: LoggedTransaction): PastAnswer {
  return { answer: { lsn, transactionId: id, results }, request }
}
