import { type CfnElement, aws_iam as iam, Stack, type aws_s3 as s3 } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'

/** What is below the id of a store in a bucket. */
export type Keys =
  | '*'
  | 'archive/*'
  | 'archive/deletion.json'
  | 'backups/*'
  | 'backups/*/drill.json'
  | 'bodies/*'
  | 'operations/*'
  | 'recoveries/*'
  | 'snapshots/*'
  | 'staged/*'

export const allow = (
  actions: string[],
  resources: string[],
  conditions?: iam.PolicyStatementProps['conditions'],
): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) })

/** May list a bucket. */
export function listsObjects(role: iam.Role, bucket: s3.Bucket): void {
  role.addToPolicy(allow(['s3:ListBucket'], [bucket.bucketArn]))
}

/** May list a bucket and read its objects. */
export function readsObjects(role: iam.Role, bucket: s3.Bucket): void {
  listsObjects(role, bucket)
  onObjects(role, bucket, 's3:GetObject', ['*'])
}

/** May put objects of every store. */
export function putsObjects(role: iam.Role, bucket: s3.Bucket, ...keys: Keys[]): void {
  onObjects(role, bucket, 's3:PutObject', ofStores(keys))
}

/** May put objects of every store where there are none: it cannot put anything in their place. */
export function addsObjects(role: iam.Role, bucket: s3.Bucket, ...keys: Keys[]): void {
  onObjects(role, bucket, 's3:PutObject', ofStores(keys), { Null: { 's3:if-none-match': 'false' } })
}

/** May delete objects of every store; their versions stay for a while. */
export function deletesObjects(role: iam.Role, bucket: s3.Bucket, ...keys: Keys[]): void {
  onObjects(role, bucket, 's3:DeleteObject', ofStores(keys))
}

/** Keys begin with the id of a store. */
function ofStores(keys: Keys[]): string[] {
  return keys.map((pattern) => `*/${pattern}`)
}

function onObjects(
  role: iam.Role,
  bucket: s3.Bucket,
  action: string,
  patterns: string[],
  conditions?: iam.PolicyStatementProps['conditions'],
): void {
  const resources = patterns.map((pattern) => bucket.arnForObjects(pattern))
  role.addToPolicy(allow([action], resources, conditions))
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
