import { type ArchiveOutcome, archive } from '../archive/archive.ts'
import {
  type RestorePoint,
  readHoldings,
  restorableFrom,
  TABLE,
  type Uncovered,
  uncovered,
} from '../archive/coverage.ts'
import { chainOf, type LsnRange, listSegments } from '../archive/segments.ts'
import type { TrimOutcome } from '../archive/trim.ts'
import { TRIM_SETTINGS, type TrimSettings } from '../archive/trim-settings.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { RunJob } from './jobs.ts'
import { periodically } from './periodically.ts'

export type { ArchiveOutcome, LsnRange, TrimOutcome }

export interface ArchiveSettings {
  /** Ms between looks whether there is something to archive; 0 never archives by itself. */
  intervalMs: number
  /** Ms between rounds of trimming; 0 never trims by itself. */
  trimIntervalMs: number
  trim: TrimSettings
}

export const ARCHIVE_SETTINGS: ArchiveSettings = { intervalMs: 0, trimIntervalMs: 0, trim: TRIM_SETTINGS }

export interface NodeArchiveOptions {
  objects: ObjectStore
  log: Log
  settings: ArchiveSettings
  runtime: Runtime
  logger: Logger
  /** The end of the log as the node knows it. */
  tailLsn(): number
  /** Runs a job off the threads that serve. */
  run: RunJob
  onDuty(): boolean
  signal: AbortSignal
}

/** What the archive has, and what can be restored. */
export interface ArchiveStatus {
  segments: number
  bytes: number
  /** Its first and last entry, and their times. */
  from?: number
  to?: number
  firstTime?: number
  lastTime?: number
  /** Entries that are missing in between. */
  missing: LsnRange[]
  /** Entries of the log that it does not have yet. */
  behind: number
  /** First entry that the table still has whole, the slots up to which may be gone, and the last entry. */
  table: { from: number; trimmedTo: number; to: number }
  coverage: {
    /** Every second since, and every LSN from here on, must be restorable. */
    since: number
    from: number
    /** What is restorable without a gap to the end of the log begins here. */
    restorableFrom?: number
    points: RestorePoint[]
    uncovered: Uncovered[]
  }
}

/** So many new entries are archived beside the node's other work; more by a job. */
const FEW = 2_000

/** The archive of a node's store: what there is, adding to it, and trimming what it makes superfluous. */
export class NodeArchive {
  readonly #options: NodeArchiveOptions
  #archivedTo = -1
  #archiving: Promise<ArchiveOutcome> | undefined

  constructor(options: NodeArchiveOptions) {
    this.#options = options
    const { runtime, logger, settings, signal, tailLsn, onDuty } = options
    const rounds = { runtime, logger, signal, onDuty }
    const { intervalMs, trimIntervalMs } = settings
    void periodically({ ...rounds, intervalMs, failure: 'nothing could be archived' }, async () => {
      if (tailLsn() > this.#archivedTo) await this.now()
    })
    const trimming = { ...rounds, intervalMs: trimIntervalMs, failure: 'the log could not be trimmed' }
    void periodically(trimming, () => this.trim())
  }

  async status(): Promise<ArchiveStatus> {
    const { log, objects, settings } = this.#options
    const listed = await listSegments(objects, log.storeId)
    const { segments, gaps, end } = chainOf(listed)
    const holdings = await readHoldings({ log, objects }, settings.trim.retentionMs)
    const [first] = segments
    const whole = holdings.stretches.find(({ where }) => where === TABLE)!
    const since = restorableFrom(holdings)
    return {
      segments: listed.length,
      bytes: listed.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(first === undefined || end === undefined
        ? {}
        : { from: first.from, to: end.to, firstTime: first.firstTime, lastTime: end.lastTime }),
      missing: gaps,
      behind: Math.max(0, holdings.tail - (end?.to ?? -1)),
      table: { from: whole.from, trimmedTo: await log.trimmedTo(), to: holdings.tail },
      coverage: {
        since: Math.round(holdings.fromTime),
        from: holdings.from,
        ...(since === undefined ? {} : { restorableFrom: since }),
        points: holdings.points,
        uncovered: uncovered(holdings),
      },
    }
  }

  /** Archives what is new, or joins who is at it; `check` reads every segment and mends what is damaged. */
  now({ check = false }: { check?: boolean | undefined } = {}): Promise<ArchiveOutcome> {
    if (check) return this.#archive(true)
    this.#archiving ??= this.#archive(false).finally(() => (this.#archiving = undefined))
    return this.#archiving
  }

  /** Trims, or only tells what it would do. */
  trim({ dryRun = false }: { dryRun?: boolean } = {}): Promise<TrimOutcome> {
    const { run, settings, signal } = this.#options
    return run('trim', { settings: settings.trim, dryRun }, signal)
  }

  async #archive(check: boolean): Promise<ArchiveOutcome> {
    const { log, objects, logger, run, signal, tailLsn } = this.#options
    const isLittle = !check && this.#archivedTo >= 0 && tailLsn() - this.#archivedTo <= FEW
    const outcome = isLittle ? await archive({ log, objects, logger }) : await run('archive', { check }, signal)
    this.#archivedTo = outcome.lsn ?? -1
    return outcome
  }
}
