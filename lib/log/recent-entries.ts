import type { StoredEntry } from './archived-entries.ts'
import { isBeside, slotLine } from './stream-format.ts'

export interface RecentLimits {
  entries: number
  /** Stored bytes of bodies that are in their items. */
  bytes: number
}

export const RECENT_LIMITS: RecentLimits = { entries: 5_000, bytes: 16 * 1024 * 1024 }

interface Recent {
  entry: StoredEntry
  bytes: number
  /** As it is sent, once somebody wanted it. */
  line: string | undefined
}

/**
 * The newest entries that this node knows to be in the log, for those who follow it. Bounded, whoever follows and however
 * slowly: who is behind the oldest one reads the log instead.
 */
export class RecentEntries {
  readonly #limits: RecentLimits
  readonly #entries: Recent[] = []
  readonly #wakes = new Set<() => void>()
  #end: number
  #bytes = 0

  /** @param lsn where the log ends, as far as this node knows */
  constructor(lsn: number, limits: RecentLimits = RECENT_LIMITS) {
    this.#end = lsn
    this.#limits = limits
  }

  /** LSN of the newest one. */
  get end(): number {
    return this.#end
  }

  /** An entry is known to be in the log. One that does not follow the newest (slots were stepped over) begins anew. */
  add(entry: StoredEntry): void {
    const { lsn } = entry.item
    if (lsn <= this.#end) return
    if (lsn > this.#end + 1) this.#forget(this.#entries.length)
    this.#end = lsn
    const bytes = isBeside(entry.item) ? 0 : entry.body.byteLength
    this.#entries.push({ entry, bytes, line: undefined })
    this.#bytes += bytes
    while (this.#entries.length > this.#limits.entries || this.#bytes > this.#limits.bytes) this.#forget(1)
    for (const wake of this.#wakes) wake()
  }

  /** The same of one that nobody wants: nothing is kept. */
  pass(lsn: number): void {
    if (lsn <= this.#end) return
    this.#forget(this.#entries.length)
    this.#end = lsn
  }

  /** Whether all that is known behind this LSN is at hand. */
  covers(lsn: number): boolean {
    return lsn >= this.#end - this.#entries.length
  }

  /** The lines of the entries behind this LSN, which must be covered: as many as make up so much text, at least one. */
  lines(after: number, mostText: number): string[] {
    const lines: string[] = []
    let text = 0
    const first = Math.max(0, this.#entries.length - (this.#end - after))
    for (let index = first; index < this.#entries.length && text < mostText; index++) {
      const recent = this.#entries[index]!
      recent.line ??= slotLine(recent.entry)
      lines.push(recent.line)
      text += recent.line.length
    }
    return lines
  }

  /** Resolves when there is something behind this LSN, when the time is over, or when the signal aborts. */
  async whenBehind(lsn: number, mostMs: number, signal: AbortSignal): Promise<void> {
    if (this.#end > lsn || signal.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wakes.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, mostMs)
      this.#wakes.add(wake)
      signal.addEventListener('abort', wake)
    })
  }

  #forget(count: number): void {
    for (const { bytes } of this.#entries.splice(0, count)) this.#bytes -= bytes
  }
}
