import { aws_cloudwatch as cloudwatch, Duration, aws_logs as logs } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { type MetricName, NAMESPACE } from '../functions/metrics.ts'

/** The metric that a function of this stack writes. */
export function functionMetric(
  stack: string,
  file: string,
  metricName: MetricName,
  statistic = 'Maximum',
  period = Duration.minutes(5),
): cloudwatch.Metric {
  const dimensionsMap = { service: `boreal-${file}`, stack }
  return new cloudwatch.Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic, period })
}

/** Fields of the line `figures` that a container writes each minute, as metrics. */
export const FIGURES = {
  replicaLag: 'ReplicaLag',
  tailAgeMs: 'TailAge',
  logErrors: 'LogErrors',
  writerTerm: 'WriterTerm',
  waiting: 'WaitingTransactions',
  storeBytes: 'StoreBytes',
} as const

export type Figure = keyof typeof FIGURES

/** Makes metrics of the containers' figures. */
export function figureMetrics(scope: Construct, logGroup: logs.LogGroup): void {
  for (const [field, metricName] of Object.entries(FIGURES)) {
    new logs.MetricFilter(scope, metricName, {
      logGroup,
      filterPattern: logs.FilterPattern.stringValue('$.message', '=', 'figures'),
      metricNamespace: NAMESPACE,
      metricName,
      metricValue: `$.${field}`,
      dimensions: { service: '$.service', stack: '$.stack' },
    })
  }
}

/** A figure of the containers of this stack. */
export function figure(
  stack: string,
  name: Figure,
  statistic = 'Maximum',
  period = Duration.minutes(1),
): cloudwatch.Metric {
  const dimensionsMap = { service: 'boreal-leader', stack }
  return new cloudwatch.Metric({ namespace: NAMESPACE, metricName: FIGURES[name], dimensionsMap, statistic, period })
}
