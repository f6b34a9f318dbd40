import { Duration, type aws_dynamodb as dynamodb, type aws_iam as iam } from 'aws-cdk-lib'
import type { MetricName } from '../functions/metrics.ts'
import type { Buckets } from './buckets.ts'
import { deletesObjects, putsObjects, readsLog, readsObjects } from './grants.ts'
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
  /** The age that it measures, and how often it may be late before the alarm. */
  age: MetricName
  late: number
}

/** What takes a snapshot. */
function takesSnapshots(role: iam.Role, { table, buckets }: Resources): void {
  readsLog(role, table)
  readsObjects(role, buckets.objects)
  putsObjects(role, buckets.objects, 'snapshots/*')
}

/** Jobs by the file in functions/. */
export const JOBS: Record<string, JobSpec> = {
  snapshot: {
    description: 'Boreal: takes a snapshot and verifies it',
    every: ({ snapshotMinutes }) => Duration.minutes(snapshotMinutes),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: Duration.minutes(15),
    grant: (role, resources) => {
      takesSnapshots(role, resources)
      deletesObjects(role, resources.buckets.objects, 'snapshots/*')
      // A store is restored from a backup when no snapshot can be used.
      readsObjects(role, resources.buckets.backups)
    },
    age: 'SnapshotAge',
    late: 4,
  },
  backup: {
    description: 'Boreal: makes a backup and lets old ones go',
    every: ({ backupMinutes }) => Duration.minutes(backupMinutes),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: Duration.minutes(15),
    grant: (role, resources) => {
      takesSnapshots(role, resources)
      readsObjects(role, resources.buckets.backups)
      putsObjects(role, resources.buckets.backups, 'backups/*')
      deletesObjects(role, resources.buckets.backups, 'backups/*')
    },
    age: 'BackupAge',
    late: 3,
  },
  verify: {
    description: 'Boreal: restores the newest backup and compares it',
    every: ({ verifyHours }) => Duration.hours(verifyHours),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: Duration.minutes(15),
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      readsObjects(role, buckets.objects)
      readsObjects(role, buckets.backups)
      putsObjects(role, buckets.backups, 'backups/*/drill.json')
    },
    age: 'VerifiedRestoreAge',
    late: 2,
  },
}

/** The name of a job as a part of names in the stack. */
export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
