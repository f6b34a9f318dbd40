import { archive } from '../../lib/archive/archive.ts'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS, TRIM_SETTINGS, type TrimSettings } from '../../lib/archive/trim-settings.ts'
import type { LogMark } from '../../lib/log/chain.ts'
import { encodeFramed } from '../../lib/log/entry-codec.ts'
import type { HeadItem, LogItem } from '../../lib/log/event-log.ts'
import { bodyKey } from '../../lib/log/keys.ts'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { MemoryTrimmableLog } from '../../lib/log/memory-trimmable-log.ts'
import type { TrimmableLog } from '../../lib/log/trimmable-log.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { encodeDocument, manifestSchema, sha256Of, verificationSchema } from '../../lib/snapshot/documents.ts'
import { MANIFEST, partName, snapshotId, snapshotKey, VERIFICATION } from '../../lib/snapshot/names.ts'
import { appendAll, incompressible, transaction } from '../log/log-bed.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { type FaultyObjects, RecordingLogger, temporaryObjects } from '../support/snapshots.ts'

/** A request that fails where a test wants it to. */
export interface TrimFault {
  before?(operation: string, lsn: number): void | Promise<void>
  after?(operation: string, lsn: number): void
}

class FaultyTrimmableLog implements TrimmableLog {
  readonly #log: TrimmableLog
  fault: TrimFault = {}

  constructor(log: TrimmableLog) {
    this.#log = log
  }

  get(lsn: number): Promise<LogItem | undefined> {
    return this.#do('get', lsn, () => this.#log.get(lsn))
  }

  head(): Promise<HeadItem> {
    return this.#do('head', 0, () => this.#log.head())
  }

  bury(entry: Pick<LogItem, 'lsn' | 'hash' | 'attempt'>, atMs: number): Promise<void> {
    return this.#do('bury', entry.lsn, () => this.#log.bury(entry, atMs))
  }

  buryLost(entry: LogItem, atMs: number): Promise<void> {
    return this.#do('bury', entry.lsn, () => this.#log.buryLost(entry, atMs))
  }

  advanceTrimmedTo(lsn: number): Promise<void> {
    return this.#do('advance', lsn, () => this.#log.advanceTrimmedTo(lsn))
  }

  remove(lsn: number): Promise<void> {
    return this.#do('remove', lsn, () => this.#log.remove(lsn))
  }

  close(): void {}

  async #do<T>(operation: string, lsn: number, work: () => Promise<T>): Promise<T> {
    await this.fault.before?.(operation, lsn)
    const result = await work()
    this.fault.after?.(operation, lsn)
    return result
  }
}

/** A log in memory with an archive in a folder, and a clock that the test moves on. Nothing of it needs a store. */
export async function archiveBed() {
  const storeId = systemRuntime.newId()
  const table = new MemoryTable()
  const objects = await temporaryObjects()
  const runtime = new ManualRuntime()
  const logger = new RecordingLogger()
  const trimmable = new FaultyTrimmableLog(new MemoryTrimmableLog(table))
  /** One more process. */
  const openLog = () =>
    new Log(new MemoryLog(storeId, table, runtime), {
      ...{ storeId, bodies: objects, runtime, logger },
      archive: new ArchivedLog({ objects, storeId, logger }),
      frameRows: 2,
    })
  const log = openLog()
  const genesis = await log.genesis()
  const context = () => ({ log: openLog(), objects, logger, trimmable })
  const bed = {
    ...{ storeId, table, objects, runtime, logger, trimmable, openLog, genesis, context, end: genesis as LogMark },
    /** Appends so many entries. */
    append: async (count: number) => {
      for (let index = 0; index < count; index++) bed.end = await appendAll(log, bed.end, `e-${bed.end.lsn + 1}`)
    },
    /** Appends one with a body beside the table. */
    appendLarge: async () => {
      const large = transaction(`e-${bed.end.lsn + 1}`, incompressible(400_000))
      const encoded = log.encode(bed.end, log.nextTime(bed.end), [large])
      await (await log.append(encoded)).settled
      bed.end = encoded.item
      return encoded.item.bodyKey!
    },
    /** Appends one whose events are in frames beside the table. */
    appendFramed: async (rows: number) => {
      const ids = log.entryIds()
      const stage = log.stage()
      for (let row = 0; row < rows; row++) {
        await stage.add([{ event: 'rowsRemoved', v: 1, entity: 'quota', keys: [`role-${row}`] }])
      }
      const { frames, stored } = await stage.storeAs(bodyKey(storeId, bed.end.lsn + 1, ids.attempt), [])
      await stored
      const { events: _, ...rest } = transaction(`e-${bed.end.lsn + 1}`)
      const draft = { lsn: bed.end.lsn + 1, time: log.nextTime(bed.end), prev: bed.end.hash }
      const encoded = encodeFramed({ ...draft, transaction: { ...rest, events: [] } }, frames, ids)
      await (await log.append(encoded)).settled
      bed.end = encoded.item
    },
    pass: (ms: number) => runtime.elapse({ wall: ms, monotonic: ms }),
    archive: (options?: { check?: boolean }) => archive(context(), options),
    trim: (settings: Partial<TrimSettings> = {}, dryRun = false) =>
      trim(context(), { settings: { ...TRIM_SETTINGS, ...settings }, dryRun }),
    /** The table as it is. */
    slots: () => structuredClone(table.slots),
  }
  return bed
}

export type ArchiveBed = Awaited<ReturnType<typeof archiveBed>>

/** A week has passed, and a day: what is older is out of retention. */
export const LONG_MS = 8 * DAY_MS

/** Puts what counts as a verified snapshot at an LSN, without a store in it. */
export async function putSnapshot({ openLog, objects, runtime, storeId }: ArchiveBed, lsn: number): Promise<string> {
  const mark = (await openLog().markAt(lsn))!
  const id = snapshotId(lsn, runtime.newId())
  const part = Buffer.from('an image')
  const place = { format: 1 as const, snapshotId: id, storeId }
  const contents = { rows: {}, digest: 'ab'.repeat(32) }
  const sizes = { bytes: part.byteLength, storedBytes: part.byteLength }
  const { bytes } = encodeDocument(manifestSchema, {
    ...{ ...place, lsn, hash: mark.hash, entryTime: mark.time, schemaVersion: 1, schemaChecksum: 'ab'.repeat(32) },
    ...{ logFormat: 1, pglite: '0', postgres: '0', takenAt: Math.round(runtime.now()), takenBy: 'test', ...contents },
    image: { codec: 'none', ...sizes, parts: [{ ...sizes, sha256: sha256Of(part) }] },
  })
  const verification = encodeDocument(verificationSchema, {
    ...{ ...place, lsn, manifest: sha256Of(bytes), ...contents, by: 'replay' as const },
    ...{ verifiedAt: Math.round(runtime.now()), verifiedBy: 'test' },
  })
  await objects.put(snapshotKey(storeId, id, partName(0)), part)
  await objects.put(snapshotKey(storeId, id, MANIFEST), bytes)
  await objects.put(snapshotKey(storeId, id, VERIFICATION), verification.bytes)
  return id
}

/** Keys below a prefix of the store. */
export async function keysOf({ objects, storeId }: { objects: FaultyObjects; storeId: string }, folder: string) {
  return (await objects.list(`${storeId}/${folder}/`)).objects.map(({ key }) => key)
}
