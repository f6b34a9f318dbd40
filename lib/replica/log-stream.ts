import type { LogItem } from '../log/event-log.ts'
import {
  LOG_STREAM_PATH,
  MAX_LINE_CHARACTERS,
  parseMessage,
  type StreamHeader,
  type StreamTick,
  streamHeader,
} from '../log/stream-format.ts'
import { messageOf } from '../model/errors.ts'
import { loadHttpClient } from '../model/http-client.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Follower } from './follower.ts'
import { SenderClock } from './sender-clock.ts'
import { linesOf } from './stream-lines.ts'
import type { Tail } from './tail.ts'

/** Whom to follow, and how. */
export interface FollowOptions {
  /** URL of the node that leads, while there is one and it is another. Asked again and again. Default: by the lease. */
  leaderEndpoint?(): string | undefined
  /** Term of the lead as this node knows it: an earlier one's leader is not believed. Default: by the lease, or 0. */
  term?(): number
  /** An admin token that the leader accepts. */
  token: string
}

export interface LogStreamOptions extends Required<FollowOptions> {
  storeId: string
  follower: Pick<Follower, 'mark' | 'takeItems'>
  tail: Pick<Tail, 'hear' | 'confirm'>
  /** An entry of this writer's was pushed: it is alive. */
  sawEntry(writer: string): void
  runtime: Runtime
  logger: Logger
}

/** How the following goes, for people and monitors. */
export interface FollowFigures {
  /** Whose entries are, or were last, pushed to this node. */
  leader: string
  /** Whether they are now; else the log is polled. */
  pushed: boolean
  /** Why not. */
  failure?: string
}

/** What was sent longer ago is no sign of life: the log is polled. */
const SILENT_MS = 700

/** After so long a silence the connection is given up. */
const GIVE_UP_MS = 5_000

/** A stream ends at this age: its times are by the sender's clock, which may be a little faster or slower than ours. */
const LONGEST_MS = 10 * 60_000

const CONNECT_MS = 3_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
const LOOK_MS = 100

/** Something that the leader says cannot be, or is no use to us; the log is the truth. */
class Dropped extends Error {}

/**
 * Follows the log by what the leader pushes: durable entries, as it acknowledges them. Each is verified as if it had been
 * read from the log. Whatever is wrong with them, or with the leader, ends the stream; then the node polls the log, as it
 * does while there is silence, and tries again later.
 *
 * What is heard is no proof of where the log ends: consistent reads ask the log.
 */
export class LogStream {
  readonly #options: LogStreamOptions
  readonly #stop = new AbortController()
  readonly #ended: Promise<void>
  /** Where the entries come from, while a stream is open. */
  #from: string | undefined
  /** Monotonic time, ours, at which what came last was sent. */
  #sentAt = Number.NEGATIVE_INFINITY
  #figures: FollowFigures | undefined
  #said: string | undefined

  constructor(options: LogStreamOptions) {
    this.#options = options
    this.#ended = this.#run()
  }

  /** Whether the leader is heard: then nobody needs to look at the log. */
  get healthy(): boolean {
    const { runtime, leaderEndpoint } = this.#options
    return this.#from !== undefined && runtime.monotonic() - this.#sentAt < SILENT_MS && leaderEndpoint() === this.#from
  }

  get figures(): FollowFigures | undefined {
    return this.#figures && { ...this.#figures, pushed: this.healthy }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  async #run(): Promise<void> {
    const { leaderEndpoint, runtime, tail } = this.#options
    const { signal } = this.#stop
    let pause = FIRST_PAUSE_MS
    while (!signal.aborted) {
      const endpoint = leaderEndpoint()
      if (endpoint === undefined) {
        await runtime.sleep(LOOK_MS, signal)
        continue
      }
      const startedAt = runtime.monotonic()
      const failure = await this.#follow(endpoint).then(
        () => 'it has ended',
        (error: unknown) => messageOf(error),
      )
      if (signal.aborted) return
      const wasHealthy = this.#sentAt > startedAt
      this.#from = undefined
      this.#say(endpoint, failure)
      // One that has worked for a while deserves another try at once.
      pause = wasHealthy && this.#sentAt - startedAt > LONGEST_PAUSE_MS ? FIRST_PAUSE_MS : pause
      // What was missed is in the log; and what comes next is to follow it.
      await tail.confirm().catch(() => undefined)
      await runtime.sleep(pause * (0.5 + runtime.random()), signal)
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
    }
  }

  /** Takes what comes until it ends. @throws why it is of no use any more */
  async #follow(endpoint: string): Promise<void> {
    const { runtime, leaderEndpoint } = this.#options
    const connectedAt = runtime.monotonic()
    this.#sentAt = connectedAt
    const abort = new AbortController()
    const give = (reason: string) => abort.abort(new Dropped(reason))
    const watch = setInterval(() => {
      const now = runtime.monotonic()
      if (this.#stop.signal.aborted) give('this node stops')
      else if (leaderEndpoint() !== endpoint) give('another node leads')
      else if (now - this.#sentAt > GIVE_UP_MS) give(`nothing was heard for ${GIVE_UP_MS} ms`)
      else if (now - connectedAt > LONGEST_MS) give('it is renewed from time to time')
    }, LOOK_MS)
    try {
      const body = await this.#connect(endpoint, abort.signal)
      let clock: SenderClock | undefined
      for await (const lines of linesOf(body, MAX_LINE_CHARACTERS)) {
        clock ??= new SenderClock(connectedAt, this.#header(lines.shift()!).clock)
        await this.#take(lines, endpoint, clock)
      }
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error
    } finally {
      clearInterval(watch)
      abort.abort()
    }
  }

  async #connect(endpoint: string, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const { token, storeId, follower } = this.#options
    const { request } = await loadHttpClient()
    const { statusCode, body } = await request(new URL(`${LOG_STREAM_PATH}?after=${follower.mark.lsn}`, endpoint), {
      headers: { authorization: `Bearer ${token}`, 'boreal-store': storeId },
      signal,
      headersTimeout: CONNECT_MS,
      // Silence is watched above.
      bodyTimeout: 0,
    })
    body.setEncoding('utf8')
    if (statusCode === 200) return body
    const { detail, code } = (await body.json().catch(() => ({}))) as { detail?: string; code?: string }
    throw new Dropped(`the leader answers ${statusCode} ${code ?? ''}: ${detail ?? 'nothing that we understand'}`)
  }

  #header(line: string): StreamHeader {
    const header = understood(() => streamHeader.parse(JSON.parse(line)))
    if (header.storeId !== this.#options.storeId) throw new Dropped(`it is of another store, ${header.storeId}`)
    this.#checkTerm(header.term)
    return header
  }

  async #take(lines: string[], endpoint: string, clock: SenderClock): Promise<void> {
    const items: LogItem[] = []
    let tick: StreamTick['tick'] | undefined
    let end: string | undefined
    for (const line of lines) {
      const message = understood(() => parseMessage(line))
      if ('item' in message) items.push(message.item)
      else if ('end' in message) end = message.end
      else tick = message.tick
    }
    const { follower, tail, runtime } = this.#options
    if (tick !== undefined) {
      this.#checkTerm(tick.term)
      clock.heard(tick.clock, runtime.monotonic())
    }
    if (items.length > 0) {
      await follower.takeItems(items)
      this.#options.sawEntry(items.at(-1)!.writer)
    }
    if (tick !== undefined) {
      this.#sentAt = clock.likely(tick.clock)
      if (this.#from === undefined) this.#say(endpoint, undefined)
      this.#from = endpoint
      const ageMs = tick.ageMs + runtime.monotonic() - clock.earliest(tick.clock)
      if (follower.mark.lsn >= tick.lsn) tail.hear(tick.lsn, ageMs)
    }
    if (end !== undefined) throw new Dropped(end === 'behind' ? 'this node is too far behind' : 'the leader stops')
  }

  #checkTerm(term: number): void {
    const known = this.#options.term()
    if (term < known) throw new Dropped(`it is of term ${term}, while this node knows ${known}`)
  }

  /** Says once that entries are not pushed, and why, and once that they are again. */
  #say(leader: string, failure: string | undefined): void {
    this.#figures = { leader, pushed: failure === undefined, ...(failure === undefined ? {} : { failure }) }
    if (this.#said === failure) return
    const { logger } = this.#options
    if (failure !== undefined) logger.warn('entries are not pushed, the log is polled', { leader, reason: failure })
    else logger.info('entries are pushed by the leader', { leader })
    this.#said = failure
  }
}

function understood<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new Dropped(`it sends what this build does not understand (${messageOf(error).slice(0, 200)})`)
  }
}
