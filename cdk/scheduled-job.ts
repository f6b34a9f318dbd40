import { type Duration, aws_events as events, type aws_sqs as sqs, aws_events_targets as targets } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { BorealFunction, type BorealFunctionProps } from './boreal-function.ts'

export interface ScheduledJobProps extends Omit<BorealFunctionProps, 'deadLetters'> {
  every: Duration
  deadLetters: sqs.IQueue
}

/** A function that a rule starts from time to time. What cannot be started or fails again and again is kept in a queue. */
export class ScheduledJob extends Construct {
  readonly job: BorealFunction

  constructor(scope: Construct, id: string, props: ScheduledJobProps) {
    super(scope, id)
    const { every, deadLetters, description } = props
    this.job = new BorealFunction(this, 'Job', props)
    new events.Rule(this, 'Rule', {
      description,
      schedule: events.Schedule.rate(every),
      targets: [new targets.LambdaFunction(this.job.fn, { deadLetterQueue: deadLetters, retryAttempts: 2 })],
    })
  }
}
