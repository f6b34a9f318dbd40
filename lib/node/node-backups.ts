import { TRIM_SETTINGS } from '../archive/trim-settings.ts'
import { type Backup, backups, findBackup, newestComplete } from '../backup/catalog.ts'
import type { DrillOutcome } from '../backup/drill.ts'
import { BACKUP_RETENTION, type BackupRetention } from '../backup/retention.ts'
import type { BackupOutcome } from '../backup/take.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { RunJob } from './jobs.ts'
import type { NodeOptions } from './node-options.ts'
import { backupsOf } from './own-jobs.ts'
import { periodically } from './periodically.ts'

export interface BackupSettings {
  /** Ms between backups; 0 makes none by itself. */
  intervalMs: number
  /** Ms between restore drills of the newest one; 0 holds none by itself. */
  drillMs: number
  retention: BackupRetention
}

export const BACKUP_SETTINGS: BackupSettings = { intervalMs: 0, drillMs: 0, retention: BACKUP_RETENTION }

/** Ms between looks whether a drill is due, at most. */
const DRILL_LOOK_MS = 60 * 60 * 1_000

export interface NodeBackupsOptions {
  objects: ObjectStore
  log: Log
  settings: BackupSettings
  /** Ms back to which every LSN must be restorable. */
  retentionMs: number
  onDuty(): boolean
  runtime: Runtime
  logger: Logger
  signal: AbortSignal
  /** Runs jobs, off the threads that serve. */
  run: RunJob
}

/** The backups of a node's store; undefined when the node has no object store. */
export function nodeBackups(
  options: NodeOptions,
  { run, onDuty, signal }: { run: RunJob | undefined; onDuty(): boolean; signal: AbortSignal },
): NodeBackups | undefined {
  if (run === undefined) return undefined
  const { log, runtime, logger } = options
  const settings = { ...BACKUP_SETTINGS, ...options.backupSettings }
  const { retentionMs } = { ...TRIM_SETTINGS, ...options.archive?.trim }
  const objects = backupsOf(options)
  return new NodeBackups({ objects, log, settings, retentionMs, runtime, logger, run, onDuty, signal })
}

/** The backups of a node's store: what there is, making one, restoring one to see, and doing so from time to time. */
export class NodeBackups {
  readonly #options: NodeBackupsOptions
  #taking: Promise<BackupOutcome> | undefined

  constructor(options: NodeBackupsOptions) {
    this.#options = options
    const { settings, runtime, logger, signal, onDuty } = options
    const { intervalMs, drillMs } = settings
    const rounds = { runtime, logger, signal, onDuty }
    void periodically({ ...rounds, intervalMs, failure: 'no backup could be made' }, () => this.take())
    const drills = {
      ...rounds,
      intervalMs: Math.min(drillMs, DRILL_LOOK_MS),
      failure: 'no restore drill could be held',
    }
    void periodically(drills, () => this.#drillIfDue())
  }

  /** The newest first. */
  async list(limit: number): Promise<Backup[]> {
    const { objects, log } = this.#options
    const found: Backup[] = []
    for await (const backup of backups(objects, log.storeId)) {
      if (found.push(backup) >= limit) break
    }
    return found
  }

  /** @throws BorealError `not_found` */
  async find(id: string): Promise<Backup> {
    const { objects, log } = this.#options
    const backup = await findBackup(objects, log.storeId, id)
    if (backup !== undefined) return backup
    throw new BorealError('not_found', `there is no backup ${id}; boreal backup list`)
  }

  /** Makes a backup if there is anything new, or joins who is at it. */
  take(): Promise<BackupOutcome> {
    const { run, settings, retentionMs, signal } = this.#options
    this.#taking ??= run('backup', { retention: settings.retention, retentionMs }, signal).finally(() => {
      this.#taking = undefined
    })
    return this.#taking
  }

  /**
   * Restores a backup and says whether it is what it should be.
   *
   * @throws BorealError `not_found`, `backup_corrupt`
   */
  async drill(id: string): Promise<DrillOutcome> {
    await this.find(id)
    return this.#options.run('drill', { id }, this.#options.signal)
  }

  async #drillIfDue(): Promise<void> {
    const { objects, log, settings, run, signal } = this.#options
    const newest = await newestComplete(objects, log.storeId)
    if (newest === undefined) return
    let last = 0
    for (const { drill } of await this.list(1_000)) last = Math.max(last, drill?.drilledAt ?? 0)
    if (log.now() - last >= settings.drillMs) await run('drill', { id: newest.id }, signal)
  }
}
