import type { Entry, LoggedTransaction } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import type { TransactionAnswer } from '../model/transaction.ts'

/** What an answer is made of. */
type AnsweredTransaction = Pick<LoggedTransaction, 'id' | 'results'> & { request?: string | undefined }

/** Retries come soon after, so at least so many of the last answers are kept at hand. */
const AT_HAND = 5_000

/** The answer of a committed transaction, with the hash of the request it belongs to. */
export interface PastAnswer {
  answer: TransactionAnswer
  request: string | undefined
}

/** Answers of transactions that are in the log, by their place there. */
export class Answers {
  readonly #log: Log
  /**
   * By place. When there are enough of them they become the older ones, and those are let go as a whole: to look for the
   * oldest of a map passes over every one that was taken out of it before.
   */
  #newer = new Map<string, PastAnswer>()
  #older = new Map<string, PastAnswer>()
  /** Entries that are being read: those who retry together often ask for the same one. */
  readonly #reading = new Map<number, Promise<Entry | undefined>>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Remembers an answer that is being given. */
  add(lsn: number, index: number, { id, request, results }: AnsweredTransaction): TransactionAnswer {
    const answer = { lsn, transactionId: id, results }
    if (this.#newer.size >= AT_HAND) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(`${lsn}.${index}`, { answer, request })
    return answer
  }

  /** The answer of the transaction at a place of the log. */
  async at(lsn: number, index: number): Promise<PastAnswer> {
    const place = `${lsn}.${index}`
    let past = this.#atHand(place)
    if (past !== undefined) return past
    if (lsn <= this.#log.startsAt) throw beforeThisLog(place)
    await this.#read(lsn)
    past = this.#atHand(place)
    if (past === undefined) throw new BorealError('log_corrupt', `log entry ${lsn} has no transaction ${index}`)
    return past
  }

  #atHand(place: string): PastAnswer | undefined {
    return this.#newer.get(place) ?? this.#older.get(place)
  }

  async #read(lsn: number): Promise<void> {
    const reading = getOrInsert(this.#reading, lsn, () => this.#log.entry(lsn))
    try {
      const entry = await reading
      if (entry?.quarantined !== undefined) {
        const why = `log entry ${lsn} was quarantined (${entry.quarantined.reason}): its effects and its answers are lost`
        throw new BorealError('log_corrupt', why)
      }
      for (const [index, transaction] of (entry?.transactions ?? []).entries()) this.add(lsn, index, transaction)
    } finally {
      this.#reading.delete(lsn)
    }
  }
}

/** A restored store knows the keys of the lost one, whose log had the answers. */
function beforeThisLog(place: string): BorealError {
  return new BorealError(
    'out_of_retention',
    `the transaction with this key was committed at ${place}, before this store was restored; its answer went with the ` +
      'log of the lost store. It is in the state: do not send it with another key.',
  )
}
