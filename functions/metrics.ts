import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'

/** Where all metrics of ours are; the alarms look for them there. */
export const NAMESPACE = 'Boreal'

/** Metrics by name, with their units. Ages are of what is missing: 0 when everything is there. */
export const UNITS = {
  /** Age of the oldest entry that no verified snapshot has. */
  SnapshotAge: MetricUnit.Seconds,
  /** Age of the oldest entry that no backup has. */
  BackupAge: MetricUnit.Seconds,
  /** Age of the oldest entry that the archive does not have. */
  ArchiveAge: MetricUnit.Seconds,
  /** Since a backup was last restored and was what it should be. */
  VerifiedRestoreAge: MetricUnit.Seconds,
  /** Requests that the log did not carry out in time, or refused. */
  LogErrors: MetricUnit.Count,
  /** What a job had to leave undone, and went on. Not written when there was nothing: silence costs nothing. */
  Warnings: MetricUnit.Count,
} as const

export type MetricName = keyof typeof UNITS

export interface MetricWriter {
  add(name: MetricName, value: number): void
  /** Writes what was added; the next invocation begins with nothing. */
  flush(): void
}

/** Metrics of a function, as lines of CloudWatch's embedded metric format. */
export function createMetrics(service: string): MetricWriter {
  const stack = process.env.BOREAL_STACK ?? 'boreal'
  const metrics = new Metrics({ namespace: NAMESPACE, serviceName: service, defaultDimensions: { stack } })
  return {
    add: (name, value) => metrics.addMetric(name, UNITS[name], value),
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics()
    },
  }
}
