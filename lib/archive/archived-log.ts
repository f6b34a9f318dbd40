import type { ArchivedEntries, StoredEntry } from '../log/archived-entries.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import type { ListedSegment } from './names.ts'
import { damaged, decodeSegment } from './segment.ts'
import { chainOf, listSegments } from './segments.ts'

/** Segments that stay in memory: whoever asks for single entries asks for neighbours, whoever follows for the next ones. */
const KEPT = 2

/** The archive of a store for those who read entries. The listing is kept, and read again when it does not help. */
export class ArchivedLog implements ArchivedEntries {
  readonly #objects: ObjectReads
  readonly #storeId: string
  readonly #logger: Logger
  #segments: ListedSegment[] = []
  readonly #kept = new Map<string, Promise<StoredEntry[]>>()

  constructor(options: { objects: ObjectReads; storeId: string; logger: Logger }) {
    this.#objects = options.objects
    this.#storeId = options.storeId
    this.#logger = options.logger
  }

  async read(after: number): Promise<StoredEntry[]> {
    const entries = await this.#entriesAt(after + 1)
    return entries === undefined ? [] : entries.slice(after + 1 - entries[0]!.item.lsn)
  }

  async entry(lsn: number): Promise<StoredEntry | undefined> {
    const entries = await this.#entriesAt(lsn)
    return entries?.[lsn - entries[0]!.item.lsn]
  }

  async end(): Promise<number | undefined> {
    await this.#list()
    return chainOf(this.#segments).end?.to
  }

  /** The segment that has an entry; undefined when none has. */
  async #entriesAt(lsn: number): Promise<StoredEntry[] | undefined> {
    const failed = new Map<string, BorealError>()
    // What was listed before may have been merged into something else.
    for (const list of [false, true]) {
      if (list) await this.#list()
      for (const segment of this.#segments.filter(({ from, to }) => from <= lsn && lsn <= to)) {
        if (failed.has(segment.key)) continue
        try {
          return await this.#load(segment)
        } catch (error) {
          if (!isBorealError(error, 'archive_corrupt', 'not_found')) throw unavailable(error)
          failed.set(segment.key, error)
        }
      }
    }
    const errors = [...failed.values()]
    for (const { message } of errors) this.#logger.error('a segment cannot be used', { error: message, lsn })
    const corrupt = errors.find((error) => error.code === 'archive_corrupt')
    if (corrupt !== undefined) throw corrupt
    return undefined
  }

  #load(segment: ListedSegment): Promise<StoredEntry[]> {
    const kept = this.#kept.get(segment.key)
    this.#kept.delete(segment.key)
    const loading = kept ?? this.#fetch(segment)
    this.#kept.set(segment.key, loading)
    // A failure is not kept: who asks again may have more luck.
    loading.catch(() => this.#kept.delete(segment.key))
    if (this.#kept.size > KEPT) this.#kept.delete(this.#kept.keys().next().value!)
    return loading
  }

  async #fetch(segment: ListedSegment): Promise<StoredEntry[]> {
    const { entries } = await decodeSegment(this.#storeId, segment, await this.#objects.get(segment.key))
    if (entries[0]!.item.lsn !== segment.from) throw damaged(segment, `it begins at ${entries[0]!.item.lsn}`)
    return entries
  }

  async #list(): Promise<void> {
    try {
      this.#segments = await listSegments(this.#objects, this.#storeId)
    } catch (error) {
      throw unavailable(error)
    }
  }
}

function unavailable(cause: unknown): BorealError {
  const message = `the archive cannot be read: ${messageOf(cause)}`
  return new BorealError('log_unavailable', message, { cause, retryAfter: 1 })
}
