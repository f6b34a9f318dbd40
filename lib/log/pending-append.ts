import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { EventLog, LogItem, PutOutcome } from './event-log.ts'

/** How an append ended. */
export type Settled =
  /** The entry is in the log. */
  | { kind: 'durable' }
  /** The slot holds another entry: somebody else's, or the no-op with which we ended the doubt. */
  | { kind: 'lost'; item: LogItem }
  /** Definitely not written: the server refused it, or it never reached one. */
  | { kind: 'failed'; error: Error }

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/**
 * An append on its way: sends the same slot, bytes and attempt until the outcome is known.
 *
 * Invariant: it settles once, and `durable` exactly when the slot holds this attempt. Until it has settled nobody may
 * append anything else. A request that was given up may still arrive later; that is harmless, because the slot decides.
 */
export class PendingAppend {
  readonly item: LogItem
  readonly settled: Promise<Settled>
  readonly #log: Pick<EventLog, 'put'>
  readonly #runtime: Runtime
  readonly #logger: Logger
  readonly #settle: (settled: Settled) => void
  #pause = new AbortController()
  #done = false
  /** Whether some request may have been applied without our knowing. */
  #inDoubt = false
  #abandoned = false
  #noop: LogItem | undefined

  constructor(log: Pick<EventLog, 'put'>, item: LogItem, runtime: Runtime, logger: Logger) {
    this.#log = log
    this.item = item
    this.#runtime = runtime
    this.#logger = logger
    let settle!: (settled: Settled) => void
    this.settled = new Promise((resolve) => (settle = resolve))
    this.#settle = (settled) => {
      this.#done = true
      settle(settled)
    }
    void this.#send()
  }

  get inDoubt(): boolean {
    return this.#inDoubt && !this.#done
  }

  /** Gives up if nothing was sent that could have been applied; otherwise without effect. */
  abandon(): void {
    this.#abandoned = true
    this.#pause.abort()
  }

  /**
   * Ends the doubt by racing our own slot with an entry that does nothing: exactly one of the two can win, and the
   * winner is the answer. Whatever was sent before can no longer be written once the no-op is.
   */
  endDoubt(noop: LogItem): void {
    if (this.#done || this.#noop !== undefined) return
    this.#noop = noop
    this.#logger.warn('racing an append of unknown outcome with a no-op', { lsn: this.item.lsn })
    this.#pause.abort()
  }

  /** Somebody read the slot: that settles it. */
  observe(item: LogItem): void {
    if (!this.#done) this.#settle(this.#verdict(item))
  }

  async #send(): Promise<void> {
    for (let pause = FIRST_PAUSE_MS; !this.#done; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const sent = this.#noop ?? this.item
      const outcome = await this.#put(sent)
      if (this.#done) return
      const settled = this.#interpret(outcome, sent)
      if (settled !== undefined) return this.#settle(settled)
      this.#pause = new AbortController()
      await this.#runtime.sleep(pause * (0.5 + this.#runtime.random()), this.#pause.signal)
    }
  }

  async #put(item: LogItem): Promise<PutOutcome> {
    try {
      return await this.#log.put(item)
    } catch (error) {
      return { kind: 'unknown', error: new Error(messageOf(error), { cause: error }) }
    }
  }

  #interpret(outcome: PutOutcome, sent: LogItem): Settled | undefined {
    switch (outcome.kind) {
      case 'written':
        return this.#verdict(sent)
      case 'taken':
        return this.#verdict(outcome.item)
      case 'refused':
        if (!this.#inDoubt) return { kind: 'failed', error: outcome.error }
        break
      case 'unsent':
        if (!this.#inDoubt && this.#abandoned) return { kind: 'failed', error: outcome.error }
        break
      case 'unknown':
        this.#inDoubt = true
        break
    }
    const { kind, error } = outcome
    this.#logger.debug('append not yet settled', { lsn: this.item.lsn, outcome: kind, error: error.message })
    return undefined
  }

  #verdict(item: LogItem): Settled {
    return item.attempt === this.item.attempt ? { kind: 'durable' } : { kind: 'lost', item }
  }
}
