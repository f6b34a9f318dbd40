import type { LogItem } from '../log/event-log.ts'
import type { Log } from '../log/log.ts'
import type { PendingAppend, Settled } from '../log/pending-append.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { TransactionAnswer, TransactionRequest } from '../model/transaction.ts'
import type { Follower } from '../replica/follower.ts'
import type { Tail } from '../replica/tail.ts'
import { isConstraintViolation, type SqlError } from '../store/protocol.ts'
import type { Step, Store } from '../store/store.ts'
import { Answers } from './answers.ts'
import { BatchSize } from './batch-size.ts'
import { type Decision, keyReused } from './evaluate.ts'
import { Horizon, type HorizonLimits } from './horizon.ts'
import { type Preparation, type PreparedEntry, prepareEntry } from './prepare-entry.ts'
import { QUEUE_LIMITS, Queue, type QueueLimits } from './queue.ts'
import { STORE_LIMITS, type StoreLimits } from './store-limits.ts'
import { type Submission, type SubmitOptions, submissionOf } from './submission.ts'
import type { Watermark } from './watermark.ts'

export interface WriterOptions {
  follower: Follower
  log: Log
  tail: Tail
  runtime: Runtime
  logger: Logger
  watermark: Watermark
  queue?: QueueLimits
  horizon?: HorizonLimits
  limits?: StoreLimits
  /** Ms a client waits when it says nothing else. Default 25,000 (API Gateway gives up after 29,000). */
  timeoutMs?: number
  /** Ms after which an append of unknown outcome no longer holds the SQL transaction open. Default 1,000. */
  doubtAfterMs?: number
  /** Ms after which an append that has not reached any server is given up. Default 1,500. */
  patienceMs?: number
}

/** A batch whose entry is on its way. */
interface Round extends PreparedEntry {
  pending: PendingAppend
}

/** How a round ended for those that take part in it. */
type Outcome =
  | Exclude<Preparation, PreparedEntry>
  | { kind: 'settled'; round: Round; settled: Settled }
  | { kind: 'doubt'; round: Round }

/**
 * The writer: takes what waits as one batch, decides it on top of the store, appends it as one entry, commits, answers.
 *
 * Invariants:
 *   * rows are written before the append and become visible after it: what cannot be applied is never durable, and
 *     what is visible is durable;
 *   * one append is on its way at a time, and nothing else is appended while its outcome is unknown;
 *   * a refusal is answered only when the state it was decided on is known to have been the newest one.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #queue: Queue
  readonly #batchSize: BatchSize
  readonly #horizon: Horizon
  readonly answers: Answers
  /** The append on its way, while it is. */
  #pending: PendingAppend | undefined
  #stopped = false
  #processing = false
  #running: Promise<void> = Promise.resolve()
  /** Consecutive lost races, for the pause between tries. */
  #lost = 0

  constructor(options: WriterOptions) {
    this.#options = options
    const limits = options.queue ?? QUEUE_LIMITS
    this.#queue = new Queue(limits)
    this.#batchSize = new BatchSize(limits.batchTargetMs)
    this.#horizon = new Horizon(options.horizon)
    this.answers = new Answers(options.log)
  }

  /** Starts to work. The store must be at the end of the log, as far as is known. */
  async start(): Promise<void> {
    await this.#options.follower.exclusive((store) => this.#horizon.load(store.engine))
    this.#running = this.#run()
  }

  /** A step of the store was taken, by us or from the log. To be called for every one, in order. */
  observeStep(step: Step): void {
    this.#horizon.observe(step)
  }

  /** Whether somebody waits for the store: a batch is on its way, or transactions for the next one. */
  get isBusy(): boolean {
    return this.#processing || this.#queue.length > 0
  }

  /** Transactions that wait for their turn. */
  get waiting(): number {
    return this.#queue.length
  }

  /**
   * Submits a transaction. Resolves when it is durable and visible.
   *
   * @throws BorealError with the reason of the refusal; `deadline_exceeded` when it was not carried out in time;
   * `outcome_unknown` when only a retry with the same key, or asking for the key, can tell.
   */
  submit(request: TransactionRequest, options: SubmitOptions): Promise<TransactionAnswer> {
    if (this.#stopped) return Promise.reject(new BorealError('not_ready', 'the node is stopping', { retryAfter: 1 }))
    return new Promise((resolve, reject) => {
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 25_000
      const submission: Submission = {
        ...submissionOf(request, options),
        deadline: this.#options.runtime.monotonic() + timeoutMs,
        state: 'queued',
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      }
      const timer = setTimeout(() => this.#expire(submission), timeoutMs)
      const settle = (answer: () => void) => {
        if (submission.state === 'done') return
        submission.state = 'done'
        clearTimeout(timer)
        answer()
      }
      try {
        this.#queue.push(submission)
      } catch (error) {
        submission.reject(error as Error)
      }
    })
  }

  /** A read of the log found this item in a slot: settles an append of ours that is in doubt there. */
  observeItem(item: LogItem): void {
    if (this.#pending?.item.lsn === item.lsn) this.#pending.observe(item)
  }

  /** Finishes what is on its way and refuses the rest. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const submission of this.#queue.drain()) {
      submission.reject(new BorealError('not_ready', 'the node is stopping', { retryAfter: 1 }))
    }
    await this.#running
  }

  /** Nobody waits any more. What has not been decided is taken out; what may be on its way gets an honest answer. */
  #expire(submission: Submission): void {
    if (submission.state === 'queued') {
      this.#queue.remove(submission)
      submission.reject(new BorealError('deadline_exceeded', 'the transaction was not carried out in time'))
      return
    }
    submission.reject(
      new BorealError(
        'outcome_unknown',
        'it is not known whether the transaction was committed; send it again with the same Idempotency-Key, ' +
          'or ask GET /v1/transactions/{key}',
      ),
    )
    this.#endDoubt()
  }

  #endDoubt(): void {
    if (this.#pending !== undefined) this.#pending.endDoubt(this.#options.log.noop(this.#pending.item))
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const batch = await this.#queue.take(() => this.#batchSize.limit)
      this.#processing = true
      await this.#process(batch)
      this.#processing = false
    }
  }

  /** Sees a batch through: rounds until everybody has an answer. */
  async #process(batch: Submission[]): Promise<void> {
    // Their timers may not have had their turn yet.
    const now = this.#options.runtime.monotonic()
    for (const submission of batch)
      if (submission.state === 'queued' && submission.deadline <= now) this.#expire(submission)
    for (;;) {
      const waiting = batch.filter((submission) => submission.state !== 'done')
      if (waiting.length === 0) return
      for (const submission of waiting) submission.state = 'deciding'
      try {
        const outcome = await this.#options.follower.exclusive((store) => this.#round(store, waiting))
        if (await this.#conclude(waiting, outcome)) return
      } catch (error) {
        if (await this.#recover(error)) continue
        for (const submission of waiting) submission.reject(error as Error)
        return
      }
    }
  }

  /** One try: read, decide, write, append. The store is left at its place or one step on, never in between. */
  async #round(store: Store, batch: Submission[]): Promise<Outcome> {
    const { log, watermark, runtime, limits = STORE_LIMITS } = this.#options
    const context = { log, runtime, horizon: this.#horizon, full: watermark.full, limits }
    const startedAt = runtime.monotonic()
    const preparation = await prepareEntry(store, batch, context)
    this.#batchSize.observe(batch.length, runtime.monotonic() - startedAt)
    return preparation.kind === 'prepared' ? this.#append(store, batch, preparation) : preparation
  }

  async #append(store: Store, batch: Submission[], prepared: PreparedEntry): Promise<Outcome> {
    const { log, tail, runtime, doubtAfterMs = 1_000 } = this.#options
    for (const submission of batch) if (submission.state !== 'done') submission.state = 'appending'
    tail.appendStarted()
    let pending: PendingAppend
    try {
      pending = await log.append(prepared.encoded)
    } catch (error) {
      tail.appendEnded(undefined)
      await store.rollback()
      throw error
    }
    this.#pending = pending
    const round: Round = { ...prepared, pending }
    const patience = new AbortController()
    const settled = await Promise.race([pending.settled, runtime.sleep(doubtAfterMs, patience.signal)])
    patience.abort()
    if (settled === undefined) {
      await store.rollback()
      return { kind: 'doubt', round }
    }
    await this.#finish(store, round, settled)
    return { kind: 'settled', round, settled }
  }

  /** The outcome is known while the SQL transaction is still open. */
  async #finish(store: Store, { step }: Round, settled: Settled): Promise<void> {
    this.#pending = undefined
    if (settled.kind !== 'durable') {
      this.#options.tail.appendEnded(undefined)
      return store.rollback()
    }
    this.#options.tail.appendEnded(step.to.lsn)
    store.commit(step)
    this.#options.follower.tell(step)
  }

  /** Gives the answers that an outcome allows; false when the rest has to be decided again. */
  async #conclude(batch: Submission[], outcome: Outcome): Promise<boolean> {
    switch (outcome.kind) {
      case 'decided':
        return this.#confirmed(batch, outcome.decisions, outcome.lsn)
      case 'unwritable':
        return this.#unwritable(batch, outcome.error, outcome.lsn)
      case 'settled':
        return this.#settled(batch, outcome.round, outcome.settled)
      case 'doubt':
        return this.#settled(batch, outcome.round, await this.#resolveDoubt(batch, outcome.round))
    }
  }

  /** Decisions without an append: true only if nobody has written since the state they were decided on. */
  async #confirmed(batch: Submission[], decisions: Decision[], lsn: number): Promise<boolean> {
    const onlyRepeats = decisions.every((decision) => decision.kind === 'repeat')
    if (!onlyRepeats && (await this.#options.tail.confirm()) > lsn) return false
    await this.#answer(batch, decisions, lsn)
    return true
  }

  /** The database refused the rows of a batch. Alone, everybody is responsible for himself. */
  async #unwritable(batch: Submission[], error: SqlError, lsn: number): Promise<boolean> {
    if (batch.length > 1) {
      for (const submission of batch) await this.#process([submission])
      return true
    }
    const refusal = isConstraintViolation(error)
      ? new BorealError('constraint_violation', error.message, { cause: error })
      : new BorealError('internal', `the rows could not be written: ${error.message}`, { cause: error })
    return this.#confirmed(batch, [{ kind: 'refuse', error: refusal }], lsn)
  }

  async #settled(batch: Submission[], { evaluation, step }: Round, settled: Settled): Promise<boolean> {
    const { follower, logger } = this.#options
    switch (settled.kind) {
      case 'durable':
        this.#lost = 0
        await this.#answer(batch, evaluation.decisions, step.to.lsn)
        if (!follower.engine.alive) await follower.rebuild()
        return true
      case 'failed':
        throw new BorealError('log_unavailable', `the log did not take the transaction: ${settled.error.message}`, {
          cause: settled.error,
          retryAfter: 1,
        })
      case 'lost':
        logger.debug('another entry won the slot', { lsn: settled.item.lsn, writer: settled.item.writer })
        await this.#pauseAfterLoss()
        await follower.catchUp()
        return false
    }
  }

  /**
   * Waits for the outcome of an append that has taken too long. The store is at its place, reads go on. Ends early
   * when nothing has reached a server, or when nobody waits any more: then by racing the slot.
   */
  async #resolveDoubt(batch: Submission[], { pending, encoded }: Round): Promise<Settled> {
    const { follower, log, runtime, tail, doubtAfterMs = 1_000, patienceMs = 1_500 } = this.#options
    const done = new AbortController()
    void runtime.sleep(Math.max(0, patienceMs - doubtAfterMs), done.signal).then(() => pending.abandon())
    if (batch.every((submission) => submission.state === 'done')) this.#endDoubt()
    const settled = await pending.settled
    done.abort()
    this.#pending = undefined
    tail.appendEnded(settled.kind === 'durable' ? pending.item.lsn : undefined)
    // The entry is at hand; somebody may have read and applied it already.
    if (settled.kind === 'durable') {
      await follower.exclusive(async (store) => {
        if (store.mark.lsn !== encoded.item.lsn - 1) return
        follower.tell(await store.apply([log.decode(encoded)]))
      })
    }
    return settled
  }

  async #answer(batch: Submission[], decisions: Decision[], lsn: number): Promise<void> {
    await Promise.all(batch.map((submission, index) => this.#answerOne(submission, decisions[index]!, lsn)))
  }

  async #answerOne(submission: Submission, decision: Decision, lsn: number): Promise<void> {
    switch (decision.kind) {
      case 'commit':
        return submission.resolve(this.answers.add(lsn, decision.index, decision.transaction))
      case 'noop':
        return submission.resolve({ lsn, transactionId: this.#options.runtime.newId(), results: decision.results })
      case 'refuse':
        return submission.reject(decision.error)
      case 'repeat':
        return this.#answerRepeat(submission, decision)
    }
  }

  async #answerRepeat(submission: Submission, place: { lsn: number; index: number }): Promise<void> {
    try {
      const { answer, request } = await this.answers.at(place.lsn, place.index)
      if (request === submission.key?.request) submission.resolve(answer)
      else submission.reject(keyReused())
    } catch (error) {
      submission.reject(error as Error)
    }
  }

  /** Many writers on one table would otherwise meet again and again at the same slot. */
  async #pauseAfterLoss(): Promise<void> {
    this.#lost++
    const { runtime } = this.#options
    if (this.#lost > 1) await runtime.sleep(runtime.random() * Math.min(4 * this.#lost, 50))
  }

  /** True when the round can be tried again on a new store. */
  async #recover(error: unknown): Promise<boolean> {
    const { follower, logger } = this.#options
    if (follower.engine.alive) {
      if (!(error instanceof BorealError)) logger.error('a batch failed', { error: messageOf(error) })
      await follower.exclusive((store) => store.rollback())
      return false
    }
    await follower.rebuild()
    return true
  }
}
