import { Duration, aws_sqs as sqs } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** Where runs of functions end up that failed: nothing reads it but people, after an alarm. */
export class DeadLetters extends Construct {
  readonly queue: sqs.Queue

  constructor(scope: Construct, id: string) {
    super(scope, id)
    this.queue = new sqs.Queue(this, 'Queue', {
      enforceSSL: true,
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      retentionPeriod: Duration.days(14),
    })
    acknowledge(this.queue, 'AwsSolutions-SQS3', 'It is the dead-letter queue.')
  }
}
