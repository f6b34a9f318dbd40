import type { LogItem } from '../log/event-log.ts'
import type { Settled } from '../log/pending-append.ts'
import type { ErrorData } from '../model/error-data.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { FIRST_FORMAT, FORMAT_VERSION } from '../model/format.ts'
import { stopping } from '../model/stopping.ts'
import type { TransactionAnswer, WriterRequest } from '../model/transaction.ts'
import { readFormat } from '../store/format.ts'
import { Mutex } from '../store/mutex.ts'
import type { Step } from '../store/step.ts'
import { type AloneOutcome, type AloneTransaction, appendAlone } from './alone.ts'
import { answerBatch } from './answer-batch.ts'
import { Answers } from './answers.ts'
import { Courtesy } from './courtesy.ts'
import { ALWAYS, type Duty, notLeader } from './duty.ts'
import { Horizon } from './horizon.ts'
import { LostRaces } from './lost-races.ts'
import type { Verdict } from './prepare-entry.ts'
import { Queue } from './queue.ts'
import { away, notInTime, outcomeUnknown } from './refusals.ts'
import { type Outcome, type Round, Rounds, type Unfinished } from './rounds.ts'
import { STORE_LIMITS } from './store-limits.ts'
import { type Submission, type SubmitOptions, submissionOf } from './submission.ts'
import type { WriterOptions } from './writer-options.ts'

/** What an append gets of a log that was away when it was asked last, ms. */
const AWAY_MS = 250

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
  readonly #duty: Duty
  readonly #queue: Queue
  readonly #horizon: Horizon
  readonly answers: Answers
  readonly #rounds: Rounds
  #format = FIRST_FORMAT
  #stopped = false
  readonly #stopping = new AbortController()
  #processing = false
  #running: Promise<void> = Promise.resolve()
  readonly #races: LostRaces
  readonly #courtesy: Courtesy | undefined
  /** The log does not answer. */
  #away = false
  /** Hashes of the keys whose outcome is not known. */
  #inDoubt: ReadonlySet<string> = new Set()
  /** Batches, and what is alone in its entry, one at a time. */
  readonly #turns = new Mutex()

  constructor(options: WriterOptions) {
    this.#options = options
    this.#duty = options.duty ?? ALWAYS
    this.#queue = new Queue(options.runtime.monotonic, options.queue)
    this.#horizon = new Horizon(options.horizon)
    this.answers = new Answers(options.log)
    this.#races = new LostRaces(options)
    this.#courtesy = options.shared ? new Courtesy(options.runtime) : undefined
    const { log, follower, tail, runtime, watermark, limits = STORE_LIMITS, doubtAfterMs = 1_000 } = options
    const { newLogFormat = FORMAT_VERSION } = options
    this.#rounds = new Rounds({
      ...{ log, follower, tail, runtime, limits },
      doubtAfterMs: () => (this.#away ? AWAY_MS : doubtAfterMs),
      queue: this.#queue,
      horizon: this.#horizon,
      full: () => watermark.full,
      contended: () => this.#turns.contended || !this.#duty.appends() || (this.#courtesy?.due ?? false),
      format: () => this.#format,
      newLogFormat,
      answer: (batch, verdicts, lsn) => {
        this.#won()
        this.#away = false
        void this.#answer(batch, verdicts, lsn)
      },
    })
  }

  /** Starts to work. The store must be at the end of the log, as far as is known. */
  async start(): Promise<void> {
    await this.#options.follower.exclusive(async (store) => {
      await this.#horizon.load(store.engine)
      this.#format = await readFormat(store.engine)
    })
    this.#running = this.#run()
  }

  /** A step of the store was taken, by us or from the log. To be called for every one, in order. */
  observeStep(step: Step): void {
    this.#horizon.observe(step)
    this.#format = step.format ?? this.#format
  }

  /** The format of the store: what its log may hold. */
  get format(): number {
    return this.#format
  }

  /** Whether somebody waits for the store: a batch is on its way, or transactions for the next one. */
  get isBusy(): boolean {
    return this.#processing || this.#queue.length > 0
  }

  /** Appends for which another writer was ahead. */
  get conflicts(): number {
    return this.#races.all
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
  submit(request: WriterRequest, options: SubmitOptions): Promise<TransactionAnswer> {
    if (this.#stopped) return Promise.reject(stopping())
    if (!this.#duty.accepts()) return Promise.reject(notLeader())
    return new Promise((resolve, reject) => {
      const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 25_000
      const submission: Submission = {
        deadline: this.#options.runtime.monotonic() + timeoutMs,
        expire: () => this.#expire(submission),
        state: 'queued',
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
        ...submissionOf(request, options),
      }
      const timer = setTimeout(() => this.#expire(submission), timeoutMs)
      const settle = (answer: () => void) => {
        if (submission.state === 'done') return
        submission.state = 'done'
        clearTimeout(timer)
        answer()
      }
      try {
        if (this.#rounds.pending !== undefined && this.#away) throw this.#unreached(submission)
        this.#queue.push(submission)
      } catch (error) {
        submission.reject(error as Error)
      }
    })
  }

  /**
   * Appends a transaction that is alone in its entry, with a deadline of its own: it may be large, and is decided on the
   * store itself. Transactions wait while it is written. See {@link appendAlone}.
   */
  submitAlone(alone: AloneTransaction): Promise<AloneOutcome> {
    const { follower, log, tail, runtime, watermark, patienceMs = 1_500 } = this.#options
    if (!this.#duty.accepts()) return Promise.reject(notLeader())
    return this.#turns.run(() => {
      if (this.#stopped) return Promise.reject(stopping())
      this.#processing = true
      return appendAlone(alone, {
        ...{ follower, log, tail, runtime, patienceMs, answers: this.answers, full: () => watermark.full },
        format: () => this.#format,
        duty: this.#duty,
        onPending: (pending) => (this.#rounds.pending = pending),
      }).finally(() => (this.#processing = false))
    })
  }

  /** Resolves when nothing that was submitted is left. */
  async drained(): Promise<void> {
    while (this.isBusy || this.#turns.contended) await this.#options.runtime.sleep(1)
  }

  /** A read of the log found this item in a slot: settles an append of ours that is in doubt there. */
  observeItem(item: LogItem): void {
    if (this.#rounds.pending?.item.lsn === item.lsn) this.#rounds.pending.observe(item)
  }

  /** Finishes what is on its way and refuses the rest. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopping.abort()
    this.#rounds.stop()
    this.#refuseWaiting()
    await this.#running
    await this.#turns.run(() => Promise.resolve())
    // The last round may have put some back.
    this.#refuseWaiting()
  }

  #refuseWaiting(): void {
    for (const submission of this.#queue.drain()) submission.reject(stopping())
  }

  /** Nobody waits any more. What has not been decided is taken out; what may be on its way gets an honest answer. */
  #expire(submission: Submission): void {
    if (submission.state === 'queued') this.#queue.remove(submission)
    if (submission.state === 'queued' || submission.state === 'deciding') {
      // Such a batch is not sent with somebody in it who has gone (see Rounds).
      submission.reject(notInTime())
      return
    }
    submission.reject(outcomeUnknown())
    this.#endDoubt()
  }

  /** The log does not answer. What may be on its way is not known, what waits was not sent: each is told which. */
  #goAway(batch: Submission[]): void {
    this.#away = true
    this.#inDoubt = new Set(batch.flatMap(({ key }) => (key === undefined ? [] : [key.hash])))
    for (const submission of batch) if (submission.state !== 'done') submission.expire()
    for (const submission of this.#queue.drain()) submission.reject(this.#unreached(submission))
  }

  /** What is said to who was not sent. For a retry of what is in doubt that would be too definite. */
  #unreached({ key }: Submission): BorealError {
    return key !== undefined && this.#inDoubt.has(key.hash) ? outcomeUnknown() : away()
  }

  #endDoubt(): void {
    const { pending } = this.#rounds
    if (pending !== undefined) pending.endDoubt(this.#options.log.noop(pending.item))
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#courtesy?.due) {
        // It may have been stopped meanwhile, and nobody else comes who could wake us.
        await this.#courtesy.pause(this.#stopping.signal)
        continue
      }
      const batch = await this.#next()
      this.#processing = true
      await this.#turns.run(() => this.#process(batch))
      this.#processing = false
    }
  }

  async #next(): Promise<Submission[]> {
    const { monotonic } = this.#options.runtime
    const since = monotonic()
    const batch = await this.#queue.take()
    this.#courtesy?.idle(monotonic() - since)
    return batch
  }

  /** Sees a batch through: rounds until everybody has an answer. */
  async #process(batch: Submission[]): Promise<void> {
    const { follower } = this.#options
    for (let waiting = batch; ; ) {
      // Of these nothing is on its way, so whoever leads now may carry them out.
      if (!this.#duty.appends()) {
        for (const submission of waiting) submission.reject(notLeader())
        return
      }
      const unfinished = await follower.exclusive((store) => this.#rounds.run(store, waiting))
      if (unfinished === undefined) {
        if (!follower.engine.alive) await follower.rebuild()
        return
      }
      waiting = unfinished.batch
      if (await this.#concluded(unfinished)) return
    }
  }

  /** False when the batch has to be decided again. */
  async #concluded({ batch, outcome }: Unfinished): Promise<boolean> {
    try {
      return await this.#conclude(batch, outcome)
    } catch (error) {
      if (await this.#recover(error)) return false
      for (const submission of batch) submission.reject(error as Error)
      return true
    }
  }

  /** Gives the answers that an outcome allows; false when the rest has to be decided again. */
  async #conclude(batch: Submission[], outcome: Outcome): Promise<boolean> {
    switch (outcome.kind) {
      case 'decided':
        return this.#confirmed(batch, outcome.verdicts, outcome.lsn)
      case 'unwritable':
        return this.#unwritable(batch, outcome.error, outcome.lsn)
      case 'failed':
        throw outcome.error
      case 'settled':
        return this.#settled(batch, outcome.round, outcome.settled)
      case 'doubt':
        return this.#settled(batch, outcome.round, await this.#resolveDoubt(batch, outcome.round))
    }
  }

  /** Decisions without an append: true only if nobody has written since the state they were decided on. */
  async #confirmed(batch: Submission[], verdicts: Verdict[], lsn: number): Promise<boolean> {
    const onlyRepeats = verdicts.every((verdict) => verdict.kind === 'repeat')
    if (!onlyRepeats && (await this.#options.tail.confirm()) > lsn) return false
    await this.#answer(batch, verdicts, lsn)
    return true
  }

  /** The database refused the rows of a batch. Alone, everybody is responsible for himself. */
  async #unwritable(batch: Submission[], error: ErrorData, lsn: number): Promise<boolean> {
    if (batch.length > 1) {
      for (const submission of batch) await this.#process([submission])
      return true
    }
    return this.#confirmed(batch, [{ kind: 'refuse', error }], lsn)
  }

  async #settled(batch: Submission[], { prepared }: Round, settled: Settled): Promise<boolean> {
    const { follower } = this.#options
    switch (settled.kind) {
      case 'durable':
        this.#won()
        await this.#answer(batch, prepared.verdicts, prepared.step.to.lsn)
        if (!follower.engine.alive) await follower.rebuild()
        return true
      case 'failed':
        throw new BorealError('log_unavailable', `the log did not take the transaction: ${settled.error.message}`, {
          cause: settled.error,
          retryAfter: 1,
        })
      case 'lost':
        this.#duty.lostTo(settled.item.writer)
        this.#courtesy?.lost()
        await this.#races.take(settled.item)
        return false
    }
  }

  #won(): void {
    this.#races.won()
    this.#courtesy?.won()
  }

  /**
   * Waits for the outcome of an append that has taken too long. The store is at its place, reads go on. Ends early
   * when nothing has reached a server, or when nobody waits any more: then by racing the slot.
   */
  async #resolveDoubt(batch: Submission[], { pending, prepared: { encoded } }: Round): Promise<Settled> {
    const { follower, log, runtime, tail } = this.#options
    const { doubtAfterMs = 1_000, patienceMs = 1_500, awayAfterMs = 1_800 } = this.#options
    const done = new AbortController()
    // When it is known to be away, it is asked only whether it is back.
    const [patience, awayIn] = this.#away ? [0, AWAY_MS] : [patienceMs - doubtAfterMs, awayAfterMs - doubtAfterMs]
    void runtime.sleep(Math.max(0, patience), done.signal).then(() => pending.abandon())
    void runtime.sleep(Math.max(0, awayIn), done.signal).then(() => {
      if (!done.signal.aborted) this.#goAway(batch)
    })
    if (batch.every((submission) => submission.state === 'done')) this.#endDoubt()
    const settled = await pending.settled
    done.abort()
    // Refused or never sent: only what has an end in the log shows that it is back.
    this.#away = settled.kind === 'failed'
    this.#rounds.pending = undefined
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

  #answer(batch: Submission[], verdicts: Verdict[], lsn: number): Promise<void> {
    return answerBatch(this.answers, batch, verdicts, lsn)
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
