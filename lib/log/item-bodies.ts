import { isBorealError } from '../model/errors.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import type { BodyStore, LogItem } from './event-log.ts'
import { unavailable } from './unavailable.ts'

/** The bodies of items, wherever they are. */
export class ItemBodies {
  readonly #bodies: BodyStore

  constructor(bodies: BodyStore) {
    this.#bodies = bodies
  }

  /** Stores a body that is too large for its item. @throws BorealError `log_unavailable` */
  async store(key: string, body: Uint8Array): Promise<void> {
    try {
      await this.#bodies.put(key, body, { ifAbsent: true })
    } catch (error) {
      throw unavailable(`the body ${key} could not be stored`, error)
    }
  }

  /** The body of an item; not verified. */
  async of(item: LogItem): Promise<Uint8Array> {
    if (item.bodyKey === undefined || item.codec === 'frames') return item.body ?? new Uint8Array()
    return this.object(item.lsn, item.bodyKey)
  }

  /** An object that belongs to an entry. @throws CorruptEntry when it is missing, BorealError `log_unavailable` */
  async object(lsn: number, key: string): Promise<Uint8Array> {
    try {
      return await this.#bodies.get(key)
    } catch (error) {
      if (isBorealError(error, 'not_found')) throw new CorruptEntry(lsn, `its body ${key} is missing`)
      throw unavailable(`the body of entry ${lsn} cannot be read`, error)
    }
  }
}
