import { hash as hashOf } from 'node:crypto'
import type { StoredEntry } from './archived-entries.ts'
import { type LogMark, verifyNext } from './chain.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import { verifyBody } from './entry-codec.ts'
import { LOG_FORMAT, type LogItem } from './event-log.ts'
import { type QuarantineRecord, quarantineRecord } from './quarantine.ts'

/**
 * What the archive has in the place of a slot that is stepped over: the record of its quarantine as a body, and the hash
 * from which the chain goes on. It is never in the table, and no hash of its own could be that of the entry that is lost,
 * so whoever takes it for an entry finds it damaged.
 */
export function standIn(record: QuarantineRecord, lsn: number, before: LogMark, storeId: string): StoredEntry {
  const body = Buffer.from(JSON.stringify(quarantineRecord.parse(record)))
  const item: LogItem = {
    ...{
      lsn,
      format: LOG_FORMAT,
      storeId,
      writer: 'quarantine',
      attempt: 'quarantine',
      time: before.time,
      prev: before.hash,
    },
    ...{ hash: record.hash, codec: 'quarantine', transactions: 0 },
    ...{ bodyHash: hashOf('sha256', body), bodyBytes: body.byteLength, body },
  }
  return { item, body }
}

export function isStandIn({ codec }: Pick<LogItem, 'codec'>): boolean {
  return codec === 'quarantine'
}

/** The record that a stand-in has; undefined when it cannot be believed. */
export function recordIn({ lsn, hash, body }: LogItem): QuarantineRecord | undefined {
  try {
    const record = quarantineRecord.parse(JSON.parse(Buffer.from(body ?? []).toString('utf8')))
    return record.lsn <= lsn && lsn <= record.to && record.hash === hash ? record : undefined
  } catch {
    return undefined
  }
}

/**
 * Checks that an entry of the archive is the one that follows `mark`, or what stands there for one that is lost.
 *
 * @throws CorruptEntry
 */
export function verifyArchived({ item, body }: StoredEntry, mark: LogMark, storeId: string): void {
  if (isStandIn(item)) verifyNext(item, mark, storeId, verifyStandIn)
  else verifyNext(item, mark, storeId)
  verifyBody(item, body)
}

/** Likewise, by itself. */
export function verifyStandIn(item: LogItem, storeId: string): void {
  if (item.storeId !== storeId) throw new CorruptEntry(item.lsn, `it belongs to another store, ${item.storeId}`)
  if (item.format === LOG_FORMAT && recordIn(item) !== undefined) return
  throw new CorruptEntry(item.lsn, 'what the archive has in its place is no record of a quarantine')
}
