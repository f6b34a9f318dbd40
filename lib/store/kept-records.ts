import { numberOf, type ResultSet } from './result-set.ts'
import { required } from './table.ts'

/** The JSON text of a record, in UTF-8, and the version that it says. */
export interface KeptRecord {
  version: number
  /**
   * As they came from the engine. Megabytes of text in V8's heap, new ones several times a second, would have its old garbage
   * collected twice as often, and nobody who passes the record on needs them as text.
   */
  bytes: Buffer
}

/** What an entry takes besides its text, about. */
const ENTRY_BYTES = 100

/**
 * Texts of large records that were read before. What a record says is determined by its key and its version (the LSN of
 * its last change) in one store, so a text that was once read is right for whoever finds that version there, at any time
 * and on any reader. The store is asked for the version with every read; only the making of the text is saved.
 *
 * Nothing here is ever invalidated, so nothing can be forgotten to be: a text of a version that is no more is not asked
 * for again. That holds for what is in the log only. What is read behind operations that will be rolled back has versions
 * that somebody else will give to something else: it must come nowhere near this.
 */
export class KeptRecords {
  readonly #mostBytes: number
  /** In the order of their last use. */
  readonly #records = new Map<string, KeptRecord>()
  #bytes = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Memory that the texts take, at most. */
  get bytes(): number {
    return this.#bytes
  }

  /** The last version that was kept under a key. */
  get(key: string): KeptRecord | undefined {
    const record = this.#records.get(key)
    if (record === undefined) return undefined
    this.#records.delete(key)
    this.#records.set(key, record)
    return record
  }

  /** Keeps a record, unless a later version is there: readers are not all at the same place of the log. */
  keep(key: string, record: KeptRecord): void {
    const known = this.#records.get(key)
    if (known !== undefined && known.version >= record.version) return
    if (known !== undefined) this.#remove(key, known)
    // One that does not fit must not drive out all others before it goes itself.
    const bytes = bytesOf(key, record)
    if (bytes > this.#mostBytes) return
    this.#records.set(key, record)
    this.#bytes += bytes
    for (const [oldest, each] of this.#records) {
      if (this.#bytes <= this.#mostBytes) return
      this.#remove(oldest, each)
    }
  }

  #remove(key: string, record: KeptRecord): void {
    this.#records.delete(key)
    this.#bytes -= bytesOf(key, record)
  }
}

/** A key takes one byte a character, or two if one of them needs it. */
function bytesOf(key: string, { bytes }: KeptRecord): number {
  return 2 * key.length + bytes.buffer.byteLength + ENTRY_BYTES
}

/**
 * The record of a read whose rows are (key, text, version), where the text is NULL if the version is the known one.
 * `undefined` when there is no record.
 */
export function recordOrKnown(result: ResultSet, known: KeptRecord | undefined): KeptRecord | undefined {
  const row = result.rows[0]
  if (row === undefined) return undefined
  const [, cell, version] = row
  if (cell === null || cell === undefined) return required(known, 'a record whose text was left out')
  return { version: numberOf(version), bytes: ownBytes(cell) }
}

/** A cell is a part of the whole message, which must not be kept for the sake of a small part. */
function ownBytes(cell: Buffer): Buffer {
  if (cell.byteLength >= cell.buffer.byteLength / 2) return cell
  // Not from a pool, of which a small record would keep the rest.
  const own = Buffer.allocUnsafeSlow(cell.byteLength)
  own.set(cell)
  return own
}
