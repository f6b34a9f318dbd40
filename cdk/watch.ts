import {
  type aws_apigateway as apigateway,
  aws_cloudwatch as cloudwatch,
  Duration,
  type aws_dynamodb as dynamodb,
  type aws_lambda as lambda,
  type aws_sqs as sqs,
} from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { Alarms } from './alarms.ts'
import { capital, JOBS, type JobSpec } from './jobs.ts'
import type { LeaderService } from './leader-service.ts'
import { figure, functionMetric } from './measures.ts'
import type { Parameters } from './parameters.ts'

export interface WatchProps {
  parameters: Parameters
  api: apigateway.RestApi
  table: dynamodb.Table
  jobs: Record<string, lambda.Function>
  deadLetters: sqs.Queue
  /** Of the profile small. */
  apiFunction: lambda.Function | undefined
  /** Of the profile busy. */
  leaders: LeaderService | undefined
}

const FIVE_MINUTES = Duration.minutes(5)

/** Alarms for what needs a person, and a dashboard of the same figures. */
export class Watch extends Construct {
  readonly alarms: Alarms
  readonly #widgets: cloudwatch.IWidget[] = []

  constructor(scope: Construct, id: string, props: WatchProps) {
    super(scope, id)
    const { parameters } = props
    this.alarms = new Alarms(this, 'Alarms', { email: parameters.alarmEmail })
    this.#watchApi(props)
    this.#watchTable(props)
    this.#watchJobs(props)
    if (props.apiFunction !== undefined) this.#watchFunction(parameters.stackName, props.apiFunction)
    if (props.leaders !== undefined) this.#watchLeaders(parameters.stackName, props.leaders)
    const dashboard = new cloudwatch.Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(6) })
    dashboard.addWidgets(
      new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: this.alarms.all, width: 24, height: 3 }),
    )
    dashboard.addWidgets(...this.#widgets)
  }

  #watchApi({ api }: WatchProps): void {
    const errors = api.metricServerError({ statistic: 'Sum', period: FIVE_MINUTES })
    this.alarms.add('ServerErrors', {
      metric: errors,
      above: 5,
      description: 'The API answered 5xx. Look at the log of the function or the container for "request failed".',
    })
    this.#chart('Requests and 5xx', [api.metricCount({ statistic: 'Sum' }), errors])
    this.#chart('Latency, ms', [api.metricLatency({ statistic: 'p50' }), api.metricLatency({ statistic: 'p99' })])
  }

  #watchTable({ table }: WatchProps): void {
    const operations = ['PutItem', 'GetItem', 'Query', 'UpdateItem'] as dynamodb.Operation[]
    const throttled = table.metricThrottledRequestsForOperations({ operations, statistic: 'Sum', period: FIVE_MINUTES })
    this.alarms.add('TableThrottles', {
      metric: throttled,
      above: 10,
      description:
        'DynamoDB throttles the log: one partition takes 1,000 write units a second. Send fewer, larger transactions.',
    })
    const units = ['ConsumedWriteCapacityUnits', 'ConsumedReadCapacityUnits']
    this.#chart(
      'Log: capacity units',
      units.map((name) => table.metric(name, { statistic: 'Sum' })),
    )
  }

  #watchJobs({ parameters, jobs, deadLetters }: WatchProps): void {
    const ages: cloudwatch.IMetric[] = []
    for (const [name, fn] of Object.entries(jobs)) {
      const { every, age } = JOBS[name]!
      const seconds = every(parameters).toSeconds()
      // CloudWatch looks back for a day, in periods of minutes; for a week, in periods of hours.
      const period = Duration.seconds(Math.min(86_400, Math.max(300, seconds)))
      const failed = fn.metricErrors({ statistic: 'Sum', period })
      this.alarms.add(`${capital(name)}Errors`, {
        metric: failed,
        above: 0,
        periods: 2,
        description: `The function ${name} failed twice in a row. Its log says why.`,
      })
      if (age !== undefined) ages.push(this.#watchAge(parameters.stackName, name, age, seconds))
    }
    this.#watchWarnings(parameters.stackName, Object.keys(jobs))
    this.#chart('Ages of what the jobs have not done yet, s', ages)
    this.alarms.add('DeadLetters', {
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES }),
      above: 0,
      description: 'A scheduled run failed after its retries. Read the message, mend the cause, purge the queue.',
    })
  }

  #watchAge(stack: string, job: string, { metric: name, late }: NonNullable<JobSpec['age']>, every: number) {
    const period = Math.max(300, every)
    const metric = functionMetric(stack, job, name, 'Maximum', Duration.seconds(period))
    this.alarms.add(name, {
      metric,
      above: late * every,
      periods: Math.ceil((late * every) / period),
      silence: 'breaching',
      description: `${name} is more than ${late} runs of ${job}, or it was not heard of for so long.`,
    })
    return metric
  }

  #watchWarnings(stack: string, jobs: string[]): void {
    const period = Duration.hours(1)
    const metrics = jobs.map((job) => [job, functionMetric(stack, job, 'Warnings', 'Sum', period)] as const)
    this.alarms.add('JobWarnings', {
      metric: new cloudwatch.MathExpression({
        // A function that had nothing to warn of writes nothing.
        expression: jobs.map((job) => `FILL(${job}, 0)`).join(' + '),
        usingMetrics: Object.fromEntries(metrics),
        period,
        label: 'what jobs had to leave undone',
      }),
      above: 3,
      description: 'Jobs ended well but had to leave something undone. Look for "WARN" in their logs.',
    })
  }

  #watchFunction(stack: string, fn: lambda.Function): void {
    const throttles = fn.metricThrottles({ statistic: 'Sum', period: FIVE_MINUTES })
    this.alarms.add('ApiThrottles', {
      metric: throttles,
      above: 10,
      description:
        'Lambda has no environment for requests: raise apiConcurrency or the limit of the account, or use the profile busy.',
    })
    this.#watchLogErrors(functionMetric(stack, 'api', 'LogErrors', 'Sum'))
    this.#chart('Environments', [fn.metric('ConcurrentExecutions', { statistic: 'Maximum' }), throttles])
    this.#chart('Duration, ms', [fn.metricDuration({ statistic: 'p50' }), fn.metricDuration({ statistic: 'p99' })])
  }

  #watchLeaders(stack: string, { unhealthyHosts }: LeaderService): void {
    this.#watchLogErrors(figure(stack, 'logErrors', 'Sum', FIVE_MINUTES))
    const lag = figure(stack, 'replicaLag')
    this.alarms.add('ReplicaLag', {
      metric: lag,
      above: 1_000,
      periods: 3,
      silence: 'breaching',
      description: 'A store is over 1,000 entries behind the log, or no container was heard of for three minutes.',
    })
    this.alarms.add('TailAge', {
      metric: figure(stack, 'tailAgeMs'),
      above: 30_000,
      periods: 3,
      description: 'A container has not seen the end of the log for 30 s: it serves old state to weak reads.',
    })
    const hour = Duration.hours(1)
    this.alarms.add('LeaseChanges', {
      metric: new cloudwatch.MathExpression({
        expression: 'newest - oldest',
        usingMetrics: {
          newest: figure(stack, 'writerTerm', 'Maximum', hour),
          oldest: figure(stack, 'writerTerm', 'Minimum', hour),
        },
        period: hour,
        label: 'changes of the leader in an hour',
      }),
      above: 3,
      description:
        'The lead changed more than three times in an hour: containers that die, or a log that answers slowly.',
    })
    this.alarms.add('UnhealthyLeaders', {
      metric: unhealthyHosts,
      above: 0,
      periods: 5,
      description: 'A container does not answer /readyz?level=weak for five minutes: there is no standby.',
    })
    this.#chart('Lag, entries', [lag])
    this.#chart('Waiting transactions', [figure(stack, 'waiting')])
    this.#chart('Term of the leader', [figure(stack, 'writerTerm')])
  }

  #watchLogErrors(metric: cloudwatch.Metric): void {
    this.alarms.add('LogErrors', {
      metric,
      above: 3,
      periods: 1,
      description:
        'Appends or reads of the log failed or are of unknown outcome. Is DynamoDB well? Is an entry damaged?',
    })
    this.#chart('Log errors', [metric])
  }

  #chart(title: string, left: cloudwatch.IMetric[]): void {
    this.#widgets.push(new cloudwatch.GraphWidget({ title, left, width: 8 }))
  }
}
