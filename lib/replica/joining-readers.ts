import type { Log } from '../log/log.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { stopping } from '../model/stopping.ts'
import type { Step } from '../store/step.ts'
import { type ImageSource, type PlacedImage, withBestImage } from './image-source.ts'
import type { Reader } from './reader.ts'

export interface JoiningReadersOptions {
  log: Log
  logger: Logger
  runtime: Runtime
  /** Where readers are booted from that replace others. */
  images: ImageSource
  boot(image: PlacedImage): Promise<Reader>
  /** Place of the last step that came in. */
  lsn(): number
  /** Hears of a reader that serves from now on: it has yet to take `kept`, and what comes then it is to be fed. */
  onJoined(reader: Reader, kept: Step[]): void
}

const RESPAWN_PAUSE_MS = 200

/**
 * Readers on their way: each boots from an image, reads the log by itself up to a place, takes the steps from there on, which
 * are kept for it meanwhile, and joins. In the place of one that could not be started another one is.
 */
export class JoiningReaders {
  readonly #options: JoiningReadersOptions
  /** What is kept for each. */
  readonly #kept = new Set<Step[]>()
  readonly #starting = new Set<Promise<void>>()
  #stopped = false

  constructor(options: JoiningReadersOptions) {
    this.#options = options
  }

  /** One that boots when there is an image. Steps behind `lsn` are kept from now on. */
  begin(lsn: number, image: Promise<PlacedImage>): void {
    const steps: Step[] = []
    this.#kept.add(steps)
    const boot = async () => {
      const from = await image
      if (this.#stopped) throw stopping()
      return this.#caughtUp(await this.#options.boot(from), lsn)
    }
    this.#follow(boot(), steps)
  }

  /** One in the place of a reader that ended. */
  replace(): void {
    const { images, logger, lsn, boot } = this.#options
    const steps: Step[] = []
    const start = async () => {
      const reader = await withBestImage(images, lsn(), logger, boot)
      // Steps that come while the reader catches up are kept for it; it stops where they begin.
      this.#kept.add(steps)
      return this.#caughtUp(reader, lsn())
    }
    this.#follow(start(), steps)
  }

  /** To be told of every step. */
  keep(step: Step): void {
    for (const steps of this.#kept) steps.push(step)
  }

  /** Resolves when none is on its way any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#starting)
  }

  async #caughtUp(reader: Reader, lsn: number): Promise<Reader> {
    try {
      await reader.catchUp(this.#options.log, lsn)
      return reader
    } catch (error) {
      await reader.stop()
      throw error
    }
  }

  #follow(booting: Promise<Reader>, steps: Step[]): void {
    const joining = booting
      .then((reader) => this.#join(reader, steps))
      .catch((error: unknown) => this.#startAnother(error))
      .finally(() => {
        this.#kept.delete(steps)
        this.#starting.delete(joining)
      })
    this.#starting.add(joining)
  }

  /** In the place of one that could not be started. Nobody waits for the pause. */
  #startAnother(error: unknown): void {
    if (this.#stopped) return
    const { logger, runtime } = this.#options
    logger.error('a reader could not be started', { error: messageOf(error) })
    void runtime.sleep(RESPAWN_PAUSE_MS).then(() => {
      if (!this.#stopped) this.replace()
    })
  }

  /** What was kept is taken one by one, because steps of a replay are large. */
  async #join(reader: Reader, steps: Step[]): Promise<void> {
    // An image may be of a later place than the one from which on steps were kept.
    const kept = () => steps.splice(0).filter(({ to }) => to.lsn > reader.lsn)
    for (const step of kept()) {
      await reader.take([step])
      await reader.settled()
    }
    if (this.#stopped) return reader.stop()
    // What has come meanwhile. From here on the reader is fed like all others.
    this.#kept.delete(steps)
    this.#options.onJoined(reader, kept())
  }
}
