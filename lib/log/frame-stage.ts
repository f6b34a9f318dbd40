import type { BodyStore } from './event-log.ts'
import { encodeFrame, type Frame, type StagedEvent } from './frames.ts'
import { frameKey } from './keys.ts'

/** Rows of a frame: what one statement writes. And its size as JSON, about. */
const FRAME_ROWS = 2_000
const FRAME_CHARACTERS = 2 * 1024 * 1024

/** Frames that are copied at a time. */
const PARALLEL = 8

/**
 * Events on their way into a large entry, before anybody knows at which LSN: kept in frames beside the log, and copied under
 * the entry's own name when it gets its place. What is small stays in memory and needs no frames.
 */
export class FrameStage {
  readonly #bodies: BodyStore
  readonly #prefix: string
  readonly #rowsPerFrame: number
  /** Those that are stored. */
  readonly frames: Frame[] = []
  /** Events behind them that are not stored. */
  #loose: StagedEvent[] = []
  #rows = 0
  #characters = 0
  #storing: Promise<void> = Promise.resolve()

  constructor(bodies: BodyStore, prefix: string, rowsPerFrame = FRAME_ROWS) {
    this.#bodies = bodies
    this.#rowsPerFrame = rowsPerFrame
    this.#prefix = prefix
  }

  /** The events that are in no frame yet; all of them while there are few. */
  get loose(): readonly StagedEvent[] {
    return this.#loose
  }

  async add(events: readonly StagedEvent[]): Promise<void> {
    for (const event of events) {
      this.#loose.push(event)
      if (event.event === 'rowsPut') {
        this.#rows += event.rows.length
        // A few rows say about how large they are.
        const [first] = event.rows
        this.#characters += event.rows.length * JSON.stringify(first ?? '').length
      }
      if (event.event === 'jsonRows') {
        this.#rows += event.count
        this.#characters += event.json.byteLength
      }
      if (event.event === 'rowsRemoved') this.#rows += event.keys.length
    }
    if (this.#rows >= this.#rowsPerFrame || this.#characters >= FRAME_CHARACTERS) await this.#flush()
  }

  /** Resolves when everything that is no longer loose is in `frames`. */
  settled(): Promise<void> {
    return this.#storing
  }

  /**
   * Stores all frames as those of an entry, under its name: those of `first`, the staged ones, and what is loose. Gives
   * them in this order at once, and when they are stored.
   */
  async storeAs(bodyKey: string, first: readonly StagedEvent[]): Promise<{ frames: Frame[]; stored: Promise<void> }> {
    await this.#storing
    const own = await Promise.all([first, this.#loose].filter(({ length }) => length > 0).map(encodeFrame))
    const frames = [...own.map(({ frame }) => frame), ...this.frames]
    const puts = own.map(
      ({ bytes }, index) =>
        () =>
          this.#bodies.put(frameKey(bodyKey, index), bytes),
    )
    const copies = this.frames.map(
      (_, index) => () => this.#copy(frameKey(this.#prefix, index), frameKey(bodyKey, own.length + index)),
    )
    return { frames, stored: inParallel([...puts, ...copies]) }
  }

  /** Removes what was staged; the entry has its own. */
  async clear(): Promise<void> {
    await this.#storing.catch(() => undefined)
    await inParallel(this.frames.map((_, index) => async () => this.#bodies.delete?.(frameKey(this.#prefix, index))))
  }

  /** One is packed and stored while the next one is made, not more: memory stays bounded. */
  async #flush(): Promise<void> {
    const events = this.#loose
    this.#loose = []
    this.#rows = 0
    this.#characters = 0
    await this.#storing
    this.#storing = this.#store(events)
    // Its failure is told when it is waited for.
    this.#storing.catch(() => undefined)
  }

  async #store(events: readonly StagedEvent[]): Promise<void> {
    const { frame, bytes } = await encodeFrame(events)
    await this.#bodies.put(frameKey(this.#prefix, this.frames.length), bytes)
    this.frames.push(frame)
  }

  async #copy(from: string, to: string): Promise<void> {
    if (this.#bodies.copy !== undefined) await this.#bodies.copy(from, to)
    else await this.#bodies.put(to, await this.#bodies.get(from))
  }
}

async function inParallel(work: (() => Promise<unknown>)[]): Promise<void> {
  const left = work.values()
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const each of left) await each()
    }),
  )
}
