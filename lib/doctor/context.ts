import type { BodyStore } from '../log/event-log.ts'
import type { LogInspection } from '../log/inspection.ts'
import type { QuarantineRecord } from '../log/quarantine.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import type { Snapshot } from '../snapshot/catalog.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Finding } from './finding.ts'

/** Hears how far long work has got. */
export interface DoctorProgress {
  /** Work of about so many pieces begins; 0: nobody knows. */
  begin(what: string, total: number): void
  advance(by: number): void
  end(): void
}

/** Where the doctor looks. Everything in it is for reading only. */
export interface Source {
  /** What it is, in words. */
  place: string
  storeId: string
  log: LogInspection
  bodies: Pick<BodyStore, 'get'>
  /** Absent when there is nothing but an export of the log. */
  objects?: ObjectReads | undefined
  /** What was found wrong with the source itself. */
  findings: Finding[]
  close(): Promise<void>
}

/** What a check is given. */
export interface DoctorContext extends Source {
  runtime: Runtime
  logger: Logger
  progress: DoctorProgress
  /** The empty store, for what restores one. */
  base(): Promise<BaseImage>
  /** What was learned before the checks began. */
  known: Known
}

export interface Known {
  trimmedTo: number
  quarantined: readonly QuarantineRecord[]
  /** Snapshots by their documents, the newest first; none for an export. */
  snapshots: Snapshot[]
  /** The last entry of the archive; -1 without one. */
  archivedTo: number
}

/** One examination. Another one (of backups) is one more file, and a line in `checks.ts`. */
export interface Check {
  name: string
  /** Only done when it is asked for: it takes long. */
  deep?: boolean
  /** Whether there is anything to examine. Default: always. */
  applies?(context: DoctorContext): boolean
  /** Never writes, never ends at the first damage; ends with an `ok` that says what was looked at. */
  run(context: DoctorContext): AsyncIterable<Finding>
}
