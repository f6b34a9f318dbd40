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

/** Jobs by the file in functions/. */
export const JOBS: Record<string, JobSpec> = {
  snapshot: {
    description: 'Boreal: takes a snapshot and verifies it',
    every: ({ snapshotMinutes }) => Duration.minutes(snapshotMinutes),
    memoryMb: ({ jobMemoryMb }) => jobMemoryMb,
    timeout: Duration.minutes(15),
    grant: (role, { table, buckets }) => {
      readsLog(role, table)
      readsObjects(role, buckets.objects)
      putsObjects(role, buckets.objects, 'snapshots')
      deletesObjects(role, buckets.objects, 'snapshots')
    },
    age: 'SnapshotAge',
    late: 4,
  },
}

/** The name of a job as a part of names in the stack. */
export function capital(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
