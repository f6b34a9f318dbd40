import { aws_dynamodb as dynamodb } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { type Lasting, removalPolicy } from './lasting.ts'

/**
 * The log. Without a time to live: a slot protects its place in the log only while its item exists, so nothing may empty it
 * but trimming, which knows what is archived.
 */
export class EventTable extends Construct {
  readonly table: dynamodb.Table

  constructor(scope: Construct, id: string, { lasting }: { lasting: Lasting }) {
    super(scope, id)
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
      sortKey: { name: 'sk', type: dynamodb.AttributeType.NUMBER },
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: dynamodb.TableEncryption.AWS_MANAGED,
      deletionProtection: lasting === 'kept',
      removalPolicy: removalPolicy(lasting),
    })
  }
}
