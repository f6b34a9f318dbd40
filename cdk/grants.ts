import { type CfnElement, type aws_dynamodb as dynamodb, aws_iam as iam, Stack, type aws_s3 as s3 } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** What is below the id of a store in a bucket. */
export type Keys = 'snapshots/*' | 'bodies/*' | 'backups/*' | 'backups/*/drill.json'

const allow = (actions: string[], resources: string[], conditions?: iam.PolicyStatementProps['conditions']) =>
  new iam.PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) })

/** May follow the log. */
export function readsLog(role: iam.Role, table: dynamodb.Table): void {
  role.addToPolicy(allow(['dynamodb:GetItem', 'dynamodb:Query'], [table.tableArn]))
}

/**
 * May follow the log and append to it. Items are put, never changed or deleted; but for the head of a store, which has its
 * settings and the lease.
 */
export function writesLog(role: iam.Role, table: dynamodb.Table): void {
  readsLog(role, table)
  role.addToPolicy(allow(['dynamodb:PutItem'], [table.tableArn]))
  role.addToPolicy(
    allow(['dynamodb:UpdateItem'], [table.tableArn], {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['*#head'] },
      // Without it a request that names no key would satisfy the condition above.
      Null: { 'dynamodb:LeadingKeys': 'false' },
    }),
  )
}

/** May list a bucket and read its objects. */
export function readsObjects(role: iam.Role, bucket: s3.Bucket): void {
  role.addToPolicy(allow(['s3:ListBucket'], [bucket.bucketArn]))
  onObjects(role, bucket, 's3:GetObject', ['*'])
}

/** May put objects of every store. */
export function putsObjects(role: iam.Role, bucket: s3.Bucket, ...keys: Keys[]): void {
  onObjects(role, bucket, 's3:PutObject', ofStores(keys))
}

/** May delete objects of every store; their versions stay for a while. */
export function deletesObjects(role: iam.Role, bucket: s3.Bucket, ...keys: Keys[]): void {
  onObjects(role, bucket, 's3:DeleteObject', ofStores(keys))
}

/** Keys begin with the id of a store. */
function ofStores(keys: Keys[]): string[] {
  return keys.map((pattern) => `*/${pattern}`)
}

function onObjects(role: iam.Role, bucket: s3.Bucket, action: string, patterns: string[]): void {
  const resources = patterns.map((pattern) => bucket.arnForObjects(pattern))
  role.addToPolicy(allow([action], resources))
  const logicalId = Stack.of(bucket).getLogicalId(bucket.node.defaultChild as CfnElement)
  for (const pattern of patterns) {
    // One by one: a wildcard that is not from here is still found.
    acknowledge(
      role,
      `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${pattern}]`,
      'Objects of one bucket, below a named folder where they are written: ids of stores are made at run time.',
    )
  }
}

/** A role that may do nothing yet. */
export function roleFor(scope: Construct, id: string, service: string): iam.Role {
  return new iam.Role(scope, id, { assumedBy: new iam.ServicePrincipal(service) })
}
