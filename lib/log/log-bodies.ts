import { isBorealError } from '../model/errors.ts'
import type { EventRegistry } from '../model/event-registry.ts'
import type { BorealEvent } from '../model/events.ts'
import type { Runtime } from '../model/runtime.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import type { Entry } from './entry.ts'
import type { BodyStore, LogItem } from './event-log.ts'
import { FrameStage } from './frame-stage.ts'
import { decodeFrame, unpackFrame, verifyFrame } from './frames.ts'
import { frameKey, stagePrefix } from './keys.ts'
import { unavailable } from './unavailable.ts'

export interface LogBodiesOptions {
  storeId: string
  bodies: BodyStore
  runtime: Runtime
  registry: EventRegistry
  frameRows: number | undefined
}

/** What entries have beside the table: bodies that are too large for an item, and the frames of large entries. */
export class LogBodies {
  readonly #options: LogBodiesOptions

  constructor(options: LogBodiesOptions) {
    this.#options = options
  }

  /** @throws BorealError `log_unavailable` when it could not be stored */
  async store(key: string, body: Uint8Array): Promise<void> {
    try {
      await this.#options.bodies.put(key, body, { ifAbsent: true })
    } catch (error) {
      throw unavailable(`the body ${key} could not be stored`, error)
    }
  }

  /** The stored body of an item, wherever it is; that of frames is the list of them. Not verified. */
  async of(item: LogItem): Promise<Uint8Array> {
    if (item.bodyKey === undefined || item.codec === 'frames') return item.body ?? new Uint8Array()
    return this.#object(item.lsn, item.bodyKey)
  }

  /** The JSON text of a frame of an entry (UTF-8), verified and unpacked. */
  async frameText({ lsn, framed }: Pick<Entry, 'lsn' | 'framed'>, index: number): Promise<Uint8Array> {
    const { bodyKey, frames } = framed!
    const bytes = await this.#object(lsn, frameKey(bodyKey, index))
    verifyFrame(lsn, index, frames[index]!, bytes)
    return unpackFrame(lsn, index, bytes)
  }

  /** All events of an entry, frame by frame; those of an ordinary one at once. */
  async *eventsOf(entry: Entry): AsyncGenerator<BorealEvent[]> {
    for (let index = 0; index < (entry.framed?.frames.length ?? 1); index++) yield await this.eventsIn(entry, index)
  }

  /** The events of a frame of an entry; an ordinary one has them all in frame 0. */
  async eventsIn(entry: Entry, index: number): Promise<BorealEvent[]> {
    if (entry.framed === undefined) return entry.transactions.flatMap(({ events }) => events)
    return decodeFrame(entry.lsn, index, await this.frameText(entry, index), this.#options.registry)
  }

  /** A place for the frames of an entry to be. */
  stage(): FrameStage {
    const { bodies, storeId, runtime, frameRows } = this.#options
    return new FrameStage(bodies, `${stagePrefix(storeId)}${runtime.newId()}`, frameRows)
  }

  async #object(lsn: number, key: string): Promise<Uint8Array> {
    try {
      return await this.#options.bodies.get(key)
    } catch (error) {
      if (isBorealError(error, 'not_found')) throw new CorruptEntry(lsn, `its body ${key} is missing`)
      throw unavailable(`the body of entry ${lsn} cannot be read`, error)
    }
  }
}
