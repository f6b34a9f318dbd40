import type { aws_dynamodb as dynamodb, aws_iam as iam } from 'aws-cdk-lib'
import { Duration } from 'aws-cdk-lib'
import type { MetricName } from '../functions/metrics.ts'
import type { Buckets } from './buckets.ts'
import { deletesObjects, listsObjects, putsObjects, readsObjects } from './grants.ts'
import { emptiesLog, readsLog, sweepsStores } from './log-grants.ts'
import type { Parameters } from './parameters.ts'

/** What permissions are given on. */
export interface Resources {
  table: dynamodb.Table
  buckets: Buckets
}

/** A scheduled function: what it does, how often, what it may do, and when somebody should look at it. */
export interface JobSpec {
  description: string
  every(parameters: Parameters): Duration
  memoryMb(parameters: Parameters): number
  timeout: Duration
  grant(role: iam.Role, resources: Resources): void
  /** The age that it measures, and how many runs it may be late before the alarm. */
  age?: { metric: MetricName; late: number }
}

const QUARTER = Duration.minutes(15)

/** What takes a snapshot. A store is restored from a backup when no snapshot can be used. */
function takesSnapshots(role: iam.Role, { table, buckets }: Resources): void {
  readsLog(role, table)
  readsObjects(role, buckets.objects)
  readsObjects(role, buckets.backups)
  putsObjects(role, buckets.objects, 'snapshots/*')
}

/** Jobs by the file in functions/. */
export const JOBS: Record<string, JobSpec> = {
  snapshot: {
    description: 'Boreal: takes a snapshot and verifies it',
    every: ({ snapshotMinutes }) => Duration.minutes(snapshotMinutes),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: QUARTER,
    grant: (role, resources) => {
      takesSnapshots(role, resources)
      deletesObjects(role, resources.buckets.objects, 'snapshots/*')
    },
    age: { metric: 'SnapshotAge', late: 4 },
  },
  backup: {
    description: 'Boreal: makes a backup and lets old ones go',
    every: ({ backupMinutes }) => Duration.minutes(backupMinutes),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: QUARTER,
    grant: (role, resources) => {
      takesSnapshots(role, resources)
      putsObjects(role, resources.buckets.backups, 'backups/*')
      deletesObjects(role, resources.buckets.backups, 'backups/*')
    },
    age: { metric: 'BackupAge', late: 3 },
  },
  verify: {
    description: 'Boreal: restores the newest backup and compares it',
    every: ({ verifyHours }) => Duration.hours(verifyHours),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: QUARTER,
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      readsObjects(role, buckets.objects)
      readsObjects(role, buckets.backups)
      putsObjects(role, buckets.backups, 'backups/*/drill.json')
    },
    age: { metric: 'VerifiedRestoreAge', late: 2 },
  },
  archive: {
    description: 'Boreal: copies new entries of the log into the archive',
    every: ({ archiveMinutes }) => Duration.minutes(archiveMinutes),
    memoryMb: () => 512,
    timeout: Duration.minutes(5),
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      readsObjects(role, buckets.objects)
      putsObjects(role, buckets.objects, 'archive/*')
    },
    age: { metric: 'ArchiveAge', late: 10 },
  },
  trim: {
    description: 'Boreal: takes out of table and archive what is no longer needed',
    every: ({ trimMinutes }) => Duration.minutes(trimMinutes),
    // A busy store has hundreds of thousands of slots to empty in an hour, each a request: that takes processor.
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: QUARTER,
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      emptiesLog(role, table)
      readsObjects(role, buckets.objects)
      // Nothing is trimmed that is in no dump.
      readsObjects(role, buckets.backups)
      putsObjects(role, buckets.objects, 'archive/deletion.json')
      deletesObjects(role, buckets.objects, 'archive/*', 'bodies/*', 'staged/*')
    },
  },
  sweep: {
    description: 'Boreal: deletes what is left of deleted clones',
    every: ({ sweepMinutes }) => Duration.minutes(sweepMinutes),
    memoryMb: () => 512,
    timeout: QUARTER,
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      sweepsStores(role, table)
      listsObjects(role, buckets.objects)
      deletesObjects(role, buckets.objects, '*')
    },
  },
}

/** The name of a job as a part of names in the stack. */
export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
