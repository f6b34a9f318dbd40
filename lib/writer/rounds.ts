import type { Log } from '../log/log.ts'
import type { PendingAppend, Settled } from '../log/pending-append.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Follower } from '../replica/follower.ts'
import type { Tail } from '../replica/tail.ts'
import type { Store } from '../store/store.ts'
import { AppendPace } from './append-pace.ts'
import type { Horizon } from './horizon.ts'
import { type EntryRequest, type Preparation, type PreparedEntry, prepareEntry, type Verdict } from './prepare-entry.ts'
import type { Queue } from './queue.ts'
import type { StoreLimits } from './store-limits.ts'
import type { Submission } from './submission.ts'

export interface RoundsOptions {
  log: Log
  follower: Follower
  tail: Tail
  runtime: Runtime
  queue: Queue
  horizon: Horizon
  limits: StoreLimits
  /** The format of the store. */
  format(): number
  newLogFormat: number
  /** Ms after which an append of unknown outcome no longer holds the SQL transaction open. */
  doubtAfterMs(): number
  /** Whether additions are refused. */
  full(): boolean
  /** Whether somebody waits who needs the log for himself. */
  contended(): boolean
  /** A batch is durable. */
  answer(batch: Submission[], verdicts: Verdict[], lsn: number): void
}

/** A batch whose entry is on its way. */
export interface Round {
  batch: Submission[]
  prepared: PreparedEntry
  pending: PendingAppend
}

/** A batch that is not finished, and why. */
export interface Unfinished {
  batch: Submission[]
  outcome: Outcome
}

export type Outcome =
  /** Nothing was appended. `lsn` is the place that it was decided on. */
  | (Exclude<Preparation, PreparedEntry> & { lsn: number })
  | { kind: 'settled'; round: Round; settled: Settled }
  | { kind: 'doubt'; round: Round }
  | { kind: 'failed'; error: unknown }

/** A batch that was decided. */
interface Turn {
  batch: Submission[]
  preparation: Preparation | { kind: 'failed'; error: unknown }
  onTop: boolean
}

/** So many entries may wait for their commit: they are written again when what is on top of them has to go. */
const MAX_UNCOMMITTED = 16

/** With a reason of its own no error with its stack is made for each entry. */
const SETTLED = 'settled'

/**
 * Rounds of the writer: read, decide and write a batch, append it, answer. They overlap: while an entry is on its way
 * the next batch is decided and written on top of it, so the engine works while the log does.
 *
 * Invariants:
 *   * one append is on its way at a time, and the next is sent when its predecessor is known to be durable;
 *   * what was decided on top of an entry that did not become durable is forgotten, and decided again;
 *   * a batch that was decided on top of another is sent only while everybody in it waits: who ran out of time before was
 *     told that nothing was done. The first of some rounds is sent in any case, so there is progress whatever expires;
 *   * nobody is answered before everything that he was decided on is durable.
 */
export class Rounds {
  readonly #options: RoundsOptions
  /** The append on its way, while it is. */
  pending: PendingAppend | undefined
  readonly #pace = new AppendPace()
  /** Size of the last batch that is durable. */
  #answered = 1
  #stopped = false

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  /** The round on its way is the last one. */
  stop(): void {
    this.#stopped = true
  }

  /**
   * Rounds on a store that nobody else uses, from those of this batch on who still wait, as long as the next batch is at
   * hand. Afterwards the store is at a place of the log, never in between. `undefined` when everybody has been answered.
   */
  async run(store: Store, batch: Submission[]): Promise<Unfinished | undefined> {
    // Not before the store is ours: until then, who runs out of time is told that nothing was done.
    const waiting = batch.filter(({ state }) => state !== 'done')
    if (waiting.length === 0) return undefined
    const first = this.#request(waiting, store.mark, false)
    let turn: Turn | undefined = await this.#turn(waiting, first, () => store.call(prepareEntry, first))
    while (turn !== undefined) {
      const { batch, preparation }: Turn = turn
      if (preparation.kind === 'failed') {
        await store.rollback()
        return { batch, outcome: preparation }
      }
      if (preparation.kind !== 'prepared') return { batch, outcome: { ...preparation, lsn: store.mark.lsn } }
      if (turn.onTop && batch.some(({ state }) => state === 'done')) {
        // Somebody was told that his transaction was not carried out: the others are decided without it.
        await store.rollback()
        this.#options.queue.putBack(batch)
        return undefined
      }
      const next: Turn | Unfinished | undefined = await this.#append(store, batch, preparation)
      if (next !== undefined && 'outcome' in next) return next
      turn = next
    }
    return undefined
  }

  /** Sees an entry to its end, and gives the turn that was decided on top of it meanwhile. */
  async #append(store: Store, batch: Submission[], prepared: PreparedEntry): Promise<Turn | Unfinished | undefined> {
    const { tail, queue, runtime, doubtAfterMs } = this.#options
    const round = await this.#send(batch, prepared)
    if (!('pending' in round)) {
      await store.rollback()
      return round
    }
    this.pending = round.pending
    const sentAt = runtime.monotonic()
    const appended = new AbortController()
    const following = this.#follow(store, prepared, sentAt, appended.signal)
    const settled = await Promise.race([round.pending.settled, runtime.sleep(doubtAfterMs(), appended.signal)])
    appended.abort(SETTLED)
    if (settled?.kind === 'durable') {
      this.#pace.observe(runtime.monotonic() - sentAt)
      this.#durable(store, round)
    }
    const turn = await following
    if (settled?.kind === 'durable' && (turn === undefined || standsOnTop(turn))) return turn
    // What is on top of an entry that did not make it falls with it. Rows that were refused took the others along.
    await store.rollback()
    if (turn !== undefined) queue.putBack(turn.batch)
    if (settled?.kind === 'durable') return undefined
    if (settled === undefined) return { batch, outcome: { kind: 'doubt', round } }
    this.pending = undefined
    tail.appendEnded(undefined)
    return { batch, outcome: { kind: 'settled', round, settled } }
  }

  async #send(batch: Submission[], prepared: PreparedEntry): Promise<Round | Unfinished> {
    const { log, tail } = this.#options
    for (const submission of batch) if (submission.state !== 'done') submission.state = 'appending'
    tail.appendStarted()
    try {
      return { batch, prepared, pending: await log.append(prepared.encoded) }
    } catch (error) {
      tail.appendEnded(undefined)
      return { batch, outcome: { kind: 'failed', error } }
    }
  }

  /**
   * Decides the batch behind an entry that is on its way, as late as it may be (see AppendPace). A batch has a cost of
   * its own, so it waits until half as many are there as were answered last, or until the log has answered. It is these
   * who may come again: whoever is in the entry on its way cannot.
   */
  async #follow(
    store: Store,
    { step }: PreparedEntry,
    sentAt: number,
    appended: AbortSignal,
  ): Promise<Turn | undefined> {
    const { queue, follower, contended } = this.#options
    // Where the horizon will be is known when the entry that moves it is.
    if (step.horizon !== undefined || store.uncommitted >= MAX_UNCOMMITTED) return undefined
    await queue.whenWaiting(Math.ceil(this.#answered / 2), appended)
    await this.#untilDue(sentAt, appended)
    if (appended.aborted || this.#stopped || follower.contended || contended()) return undefined
    const batch = queue.takeNow()
    if (batch.length === 0) return undefined
    const request = this.#request(batch, step.to, true, step.format)
    return this.#turn(batch, request, () => store.callOnTop(prepareEntry, request))
  }

  async #untilDue(sentAt: number, appended: AbortSignal): Promise<void> {
    const { queue, runtime } = this.#options
    const spareMs = () => this.#pace.spareMs(runtime.monotonic() - sentAt, queue.expectedMs)
    // Whoever comes meanwhile makes the batch larger, so half of the time is looked at again.
    for (let spare = spareMs(); spare > 0 && !appended.aborted && !this.#stopped; spare = spareMs()) {
      await runtime.sleep(Math.max(1, spare / 2), appended)
    }
  }

  #durable(store: Store, { batch, prepared: { step, verdicts } }: Round): void {
    this.pending = undefined
    this.#answered = batch.length
    this.#options.tail.appendEnded(step.to.lsn)
    store.commit(step)
    this.#options.follower.tell(step)
    this.#options.answer(batch, verdicts, step.to.lsn)
  }

  async #turn(batch: Submission[], { onTop }: EntryRequest, prepare: () => Promise<Preparation>): Promise<Turn> {
    const { runtime, queue } = this.#options
    const startedAt = runtime.monotonic()
    try {
      const preparation = await prepare()
      queue.observe(batch.length, runtime.monotonic() - startedAt)
      return { batch, preparation, onTop }
    } catch (error) {
      return { batch, preparation: { kind: 'failed', error }, onTop }
    }
  }

  #request(batch: Submission[], mark: EntryRequest['mark'], onTop: boolean, formatOnTop?: number): EntryRequest {
    const { log, runtime, horizon, limits, full, format, newLogFormat } = this.#options
    const timeMs = log.nextTime(mark)
    for (const submission of batch) submission.state = onTop ? 'deciding' : 'appending'
    return {
      batch: batch.map(({ text, principal, key, reason }) => ({ text, principal, key, reason })),
      transactionIds: Array.from({ length: batch.length + 1 }, runtime.newId),
      mark,
      onTop,
      timeMs,
      ids: log.entryIds(),
      horizonMs: horizon.timeMs,
      horizonMoved: horizon.next(timeMs),
      full: full(),
      limits,
      format: formatOnTop ?? format(),
      newLogFormat,
    }
  }
}

/** Whether the SQL transaction below it is still there. */
function standsOnTop({ preparation }: Turn): boolean {
  return preparation.kind === 'prepared' || preparation.kind === 'decided'
}
