import {
  aws_cloudwatch_actions as actions,
  aws_cloudwatch as cloudwatch,
  aws_sns as sns,
  aws_sns_subscriptions as subscriptions,
} from 'aws-cdk-lib'
import { Construct } from 'constructs'

export interface AlarmSpec {
  metric: cloudwatch.IMetric
  /** What it means and what to do first: it is in the message that somebody gets at night. */
  description: string
  /** The alarm is given when the metric is above. */
  above: number
  /** Periods of the metric. Default 1. */
  periods?: number
  /** Whether silence is a failure too: for what has to be heard of. */
  silence?: 'breaching' | 'notBreaching'
}

/** Alarms that tell one topic, when they begin and when they end. */
export class Alarms extends Construct {
  readonly topic: sns.Topic
  readonly all: cloudwatch.Alarm[] = []

  constructor(scope: Construct, id: string, { email }: { email: string | undefined }) {
    super(scope, id)
    this.topic = new sns.Topic(this, 'Topic', { displayName: 'Boreal alarms', enforceSSL: true })
    if (email !== undefined) this.topic.addSubscription(new subscriptions.EmailSubscription(email))
  }

  add(id: string, { metric, description, above, periods = 1, silence = 'notBreaching' }: AlarmSpec): void {
    const { BREACHING, NOT_BREACHING } = cloudwatch.TreatMissingData
    const alarm = new cloudwatch.Alarm(this, id, {
      metric,
      alarmDescription: `${description} See docs/aws.md, "Alarms".`,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: above,
      evaluationPeriods: periods,
      treatMissingData: silence === 'breaching' ? BREACHING : NOT_BREACHING,
    })
    const tell = new actions.SnsAction(this.topic)
    alarm.addAlarmAction(tell)
    alarm.addOkAction(tell)
    this.all.push(alarm)
  }
}
