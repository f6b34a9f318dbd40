import { createHash } from 'node:crypto'
import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { lsn as lsnSchema } from '../model/scalars.ts'
import type { LogMark } from './chain.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import type { Entry } from './entry.ts'

/**
 * Slots that an operator has decided to step over, because what they hold cannot be trusted and no other copy of it is
 * left. The list is in the head item, is never shortened, and ends with a checksum: it is part of what the log means.
 */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const quarantineRecord = z.strictObject({
  lsn: lsnSchema.positive().describe('the first slot that is stepped over'),
  to: lsnSchema.positive().describe('the last one'),
  hash: sha256.describe('what the entry behind them names as its predecessor: the chain goes on from here'),
  failure: z.string().describe('what was wrong'),
  transactions: z.int().nonnegative().nullable().describe('transactions that are lost; null where nobody can tell'),
  reason: z.string().min(1).describe('why, as the operator said'),
  by: z.string().min(1),
  at: z.int().nonnegative().describe('server time, ms'),
})

export type QuarantineRecord = z.infer<typeof quarantineRecord>

const quarantineList = z.strictObject({ records: z.array(quarantineRecord).min(1), checksum: sha256 })

/** The list as the head item has it. */
export function encodeQuarantine(records: readonly QuarantineRecord[]): string {
  const ordered = quarantineRecord.array().parse([...records].sort((a, b) => a.lsn - b.lsn))
  const checksum = createHash('sha256').update(JSON.stringify(ordered)).digest('hex')
  return JSON.stringify({ records: ordered, checksum })
}

/**
 * Reads the list, which is believed only if its text is exactly what we would write.
 *
 * @throws CorruptEntry when it is damaged
 */
export function decodeQuarantine(text: string | undefined): QuarantineRecord[] {
  if (text === undefined) return []
  try {
    const { records } = quarantineList.parse(JSON.parse(text))
    if (encodeQuarantine(records) === text) return records
  } catch {
    // Said below: whatever it is, it is not what we wrote.
  }
  throw new CorruptEntry(0, 'the list of quarantined entries in the head item is damaged')
}

/** What a store was told differs from what it has applied: the entry was quarantined after it had been read. */
export class AppliedBeforeQuarantine extends CorruptEntry {
  constructor({ lsn, to }: QuarantineRecord) {
    super(lsn, `it was quarantined${to > lsn ? ` (with all up to ${to})` : ''} after this process had applied it`, {
      advice: 'Restart this node: it then steps over it as all others do.',
    })
    this.name = 'AppliedBeforeQuarantine'
  }
}

/** The quarantine of one log, as a reader of the log honours it. */
export class Quarantine {
  readonly #read: () => Promise<string | undefined>
  #records: QuarantineRecord[] | undefined
  #contradicted: QuarantineRecord | undefined

  /** @param read the list of the head item */
  constructor(read: () => Promise<string | undefined>) {
    this.#read = read
  }

  /** What is known, read at the first call. */
  async records(): Promise<readonly QuarantineRecord[]> {
    this.#records ??= decodeQuarantine(await this.#read())
    return this.#records
  }

  /** What is known so far, without a request. */
  get known(): readonly QuarantineRecord[] {
    return this.#records ?? []
  }

  /** The record of a slot. */
  at(lsn: number): QuarantineRecord | undefined {
    return this.known.find((record) => record.lsn <= lsn && lsn <= record.to)
  }

  /**
   * Follows a log and steps over what is quarantined: something stands for each slot, and the chain goes on from the hash
   * that was recorded.
   *
   * @param walk the verified entries between a place and an LSN, that excluded, or up to the end of the log
   * @param as what stands for a slot behind a place, and the place of what was read
   */
  async *follow<T>(
    mark: LogMark,
    walk: (mark: LogMark, stop: number) => AsyncIterable<T[]>,
    as: { lost(record: QuarantineRecord, lsn: number, before: LogMark): T; placeOf(entry: T): LogMark },
  ): AsyncGenerator<T[]> {
    await this.records()
    for (;;) {
      this.checkStore(mark.lsn)
      const over = this.#over(mark, as.lost)
      if (over !== undefined) {
        yield over
        mark = as.placeOf(over.at(-1)!)
      }
      const stop = this.#nextAfter(mark.lsn)
      try {
        for await (const page of walk(mark, stop)) {
          yield page
          mark = as.placeOf(page.at(-1)!)
        }
      } catch (error) {
        // It may have been quarantined since we looked.
        if (!(error instanceof CorruptEntry) || !(await this.#covers(error.lsn, mark))) throw error
        continue
      }
      if (mark.lsn + 1 < stop) return
    }
  }

  /** What stands for the slots after `mark`, if those are stepped over. */
  #over<T>(mark: LogMark, lost: (record: QuarantineRecord, lsn: number, before: LogMark) => T): T[] | undefined {
    const record = this.at(mark.lsn + 1)
    if (record === undefined) return undefined
    const entries: T[] = []
    for (let before = mark; before.lsn < record.to; before = lostPlace(record, before)) {
      entries.push(lost(record, before.lsn + 1, before))
    }
    return entries
  }

  /** A page of entries after `after`, with those in it that stand for what is stepped over. `records` must be known. */
  async page(after: number, found: readonly { lsn: number; read(): Promise<Entry> }[]): Promise<Entry[]> {
    const entries: Entry[] = []
    const stepOver = () => {
      const nowhere = { lsn: after, time: this.at(after + 1)?.at ?? 0, hash: '' }
      const { lsn, time, hash } = entries.at(-1) ?? nowhere
      entries.push(...(this.#over({ lsn, time, hash }, steppedOver) ?? []))
    }
    stepOver()
    for (const { lsn, read } of found) {
      if (lsn <= (entries.at(-1)?.lsn ?? after)) continue
      entries.push(await read())
      stepOver()
    }
    return entries
  }

  /**
   * Whoever quarantines an entry appends one without transactions behind it: a process that has applied the bad one
   * before hears of it there, in the order of the log.
   *
   * @throws AppliedBeforeQuarantine
   */
  async hearEmptyEntry(lsn: number): Promise<void> {
    await this.#hear(lsn)
    this.checkStore(lsn)
  }

  /** @throws AppliedBeforeQuarantine for a store that stands behind an entry that was quarantined too late for it */
  checkStore(lsn: number): void {
    if (this.#contradicted !== undefined && lsn >= this.#contradicted.lsn) {
      throw new AppliedBeforeQuarantine(this.#contradicted)
    }
  }

  /** Looks again; whether this slot is to be stepped over by a store that stands at `mark`. */
  async #covers(lsn: number, mark: LogMark): Promise<boolean> {
    await this.#hear(mark.lsn + 1)
    return this.at(lsn) !== undefined
  }

  /** Looks again; what is new and lies before `lsn` was applied by somebody here. */
  async #hear(lsn: number): Promise<void> {
    const heard = decodeQuarantine(await this.#read())
    this.#contradicted ??= heard.find((record) => this.at(record.lsn) === undefined && record.to < lsn)
    this.#records = heard
  }

  /** The first slot behind `lsn` that is stepped over; infinity when there is none. */
  #nextAfter(lsn: number): number {
    return this.known.reduce((next, record) => (record.lsn > lsn ? Math.min(next, record.lsn) : next), Infinity)
  }
}

/** The place of a slot that is stepped over, the first behind `before`: nobody knows when it was written. */
export function lostPlace({ hash }: QuarantineRecord, before: Pick<LogMark, 'lsn' | 'time'>): LogMark {
  return { lsn: before.lsn + 1, hash, time: before.time }
}

/** The record that a snapshot or backup contradicts: it was taken before, and has what is stepped over since. */
export function contradictedBy(
  records: readonly QuarantineRecord[],
  taken: { lsn: number; takenAt: number },
): QuarantineRecord | undefined {
  return records.find(({ lsn, at }) => lsn <= taken.lsn && taken.takenAt <= at)
}

/** Why the state behind a slot that is stepped over cannot be had. */
export function stateIsLost({ lsn, to, by, at, reason }: QuarantineRecord, asked: number): BorealError {
  const several = to > lsn ? ` (with all of LSNs ${lsn} to ${to})` : ''
  return new BorealError(
    'out_of_retention',
    `log entry ${asked} was quarantined${several} by ${by} on ${new Date(at).toISOString()} (${reason}): what it held is ` +
      `lost, and with it the state right behind it. The nearest that can be had are those at LSN ${lsn - 1} and ${to + 1}`,
  )
}

/** An entry that does nothing, in the place of a slot that is stepped over: the same for every reader. */
export function steppedOver(
  record: QuarantineRecord,
  lsn: number,
  { time, hash }: Pick<LogMark, 'time' | 'hash'>,
): Entry {
  const none = { writer: '', attempt: '', bytes: 0, transactions: [] }
  return { lsn, time, ...none, prev: hash, hash: record.hash, quarantined: record }
}
