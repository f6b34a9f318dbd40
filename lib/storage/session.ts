import { BorealError, isBorealError } from '../model/errors.ts'
import type { Operation, OperationResult } from '../model/operations.ts'
import type { Entity } from '../model/preconditions.ts'
import { MAX_OPERATIONS, type TransactionRequest } from '../model/transaction.ts'
import type { Consistency } from '../node/node.ts'
import { OperationBuffer } from './buffer.ts'
import { misuse } from './misuse.ts'
import { OwnWrites } from './own-writes.ts'
import { type Cover, type Point, ReadSet } from './read-set.ts'
import type { StorageTransport, TransportAnswer } from './transport.ts'

export type SessionKind = 'read' | 'write'

/** Reads that one request may have. */
const MAX_READS = 100

/** The answer to one path. */
export interface Answer {
  lsn: number
  status: number
  body: unknown
  /** What the operations did that it is behind of. */
  results: OperationResult[]
}

/** What an answer shows, to be kept as preconditions. */
export type Seen = (answer: Answer) => { points?: Point[]; covers?: readonly Cover[] }

interface Ask {
  /** Without one, only the results of the operations are asked for. */
  path: string | undefined
  operations: Operation[]
  seen: Seen
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/**
 * One run of a closure. What it reads is remembered as preconditions and sent along with whatever it reads next, so all
 * its reads belong to one state even if they were made at several places of the log; what it writes is buffered and
 * sent along, too, so that it sees it. If a precondition fails the run is in conflict: it is over, and must be repeated.
 */
export class Session {
  readonly kind: SessionKind
  readonly own = new OwnWrites()
  readonly buffer = new OperationBuffer()
  /**
   * Writes that move records between scopes, as what they have looked at: whoever reads a list behind them depends on
   * records that were outside of the list before.
   */
  readonly moves: (() => Promise<readonly Cover[]>)[] = []
  readonly #transport: StorageTransport
  /** What the first read must show. */
  readonly #first: Consistency
  readonly #reads = new ReadSet()
  #asks: Ask[] = []
  #flushing: Promise<void> | undefined
  /** Reads that have no answer yet. */
  #unanswered = 0
  #ended = false
  #failure: { error: unknown } | undefined
  #conflict: BorealError | undefined

  constructor(kind: SessionKind, transport: StorageTransport, first: Consistency) {
    this.kind = kind
    this.#transport = transport
    this.#first = first
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Why the run has to be repeated, if it has to. */
  get conflict(): BorealError | undefined {
    return this.#conflict
  }

  /** Why nothing of it may be committed: something inside has failed, even if somebody has caught it. */
  get failure(): { error: unknown } | undefined {
    return this.#failure
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /**
   * Asks for a path, as it is behind some operations. Asks of one turn travel together; requests follow one another, so
   * each is checked against what all before it have shown.
   */
  ask(path: string | undefined, operations: Operation[], seen: Seen): Promise<Answer> {
    this.assertOpen()
    if (this.#conflict !== undefined) return Promise.reject(this.#conflict)
    this.#unanswered++
    return new Promise<Answer>((resolve, reject) => {
      this.#asks.push({ path, operations, seen, resolve, reject })
      this.#flushing ??= this.#flush()
    }).finally(() => this.#unanswered--)
  }

  /** Buffers an operation. @throws BorealError when this is no place to write */
  write(entity: Entity, operation: Operation): void {
    this.assertOpen()
    if (this.kind === 'read') throw misuse('a closure that reads cannot write; use storage.write')
    this.buffer.add(entity, operation)
  }

  assertOpen(): void {
    if (this.#ended) throw misuse('the closure that these stores belong to has ended; await everything inside it')
  }

  /** Ends the run. True when reads were still on their way, which the closure should have waited for. */
  async end(): Promise<boolean> {
    const unfinished = this.#unanswered > 0
    while (this.#flushing !== undefined) await this.#flushing
    this.#ended = true
    return unfinished
  }

  /** The transaction that commits the run; undefined when there is nothing to commit. */
  transaction(): TransactionRequest | undefined {
    if (this.buffer.empty) return undefined
    const operations = this.buffer.all()
    if (operations.length > MAX_OPERATIONS) {
      const message = `a transaction has at most ${MAX_OPERATIONS} operations, not ${operations.length}; divide it`
      throw new BorealError('too_many_operations', message)
    }
    return { preconditions: this.#reads.preconditions(), operations }
  }

  async #flush(): Promise<void> {
    while (true) {
      // Ticks run when no promise is left to go on: whatever this turn asks for has been asked.
      await new Promise<void>((resolve) => process.nextTick(resolve))
      const first = this.#asks[0]
      if (first === undefined) break
      const batch = this.#asks.filter(({ operations }) => operations === first.operations).slice(0, MAX_READS)
      this.#asks = this.#asks.filter((ask) => !batch.includes(ask))
      await this.#send(batch)
    }
    this.#flushing = undefined
  }

  async #send(batch: Ask[]): Promise<void> {
    try {
      if (this.#conflict !== undefined) throw this.#conflict
      this.#receive(batch, await this.#read(batch))
    } catch (error) {
      if (isBorealError(error, 'too_large') && batch.length > 1) {
        const half = Math.ceil(batch.length / 2)
        await this.#send(batch.slice(0, half))
        return this.#send(batch.slice(half))
      }
      if (isBorealError(error, 'precondition_failed')) this.#conflict ??= error
      for (const { reject } of batch) reject(error)
    }
  }

  #read(batch: Ask[]): Promise<TransportAnswer> {
    return this.#transport.read({
      paths: batch.flatMap(({ path }) => path ?? []),
      preconditions: this.#reads.preconditions(),
      operations: batch[0]!.operations,
      consistency: this.#consistency(),
    })
  }

  #consistency(): Consistency {
    const { lsn } = this.#reads
    const first = this.#first
    if (lsn === undefined) return first
    // What was read need not be newer than it is, only not older than what was read before.
    if (first.level !== 'asOf') return { level: 'minLsn', lsn }
    // A time means the LSN that it meant at first.
    return 'lsn' in first.asOf || 'recoveryId' in first.asOf ? first : { level: 'asOf', asOf: { lsn } }
  }

  #receive(batch: Ask[], { lsn, answers, results }: TransportAnswer): void {
    const points: Point[] = []
    const covers: Cover[] = []
    let next = 0
    for (const ask of batch) {
      const { status, body } = ask.path === undefined ? { status: 200, body: undefined } : answers[next++]!
      const answer = { lsn, status, body, results }
      try {
        const seen = ask.seen(answer)
        points.push(...(seen.points ?? []))
        covers.push(...(seen.covers ?? []))
        ask.resolve(answer)
      } catch (error) {
        // The problem of one path is none of the others.
        ask.reject(error)
      }
    }
    this.#reads.add(lsn, points, covers)
  }
}
