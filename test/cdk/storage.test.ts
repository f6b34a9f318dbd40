import { describe, expect, test } from 'vitest'
import { synthesized } from './synthesized.ts'

/** Nothing that holds data is lost by a stack, a timer or a stranger. */

const { template } = synthesized()
const { template: dev } = synthesized({ stage: 'dev' })
const { template: locked } = synthesized({ backupLockDays: 35 })

const TABLE = 'AWS::DynamoDB::Table'
const BUCKET = 'AWS::S3::Bucket'

test('the log is kept: deletion protection, recovery in time, encryption, no time to live', () => {
  const { Properties, DeletionPolicy } = template.resource(TABLE)
  expect(Properties).toMatchObject({
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true },
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  })
  expect(Properties).not.toHaveProperty('TimeToLiveSpecification')
  expect(DeletionPolicy).toBe('Retain')
})

test('in no setting does a timer delete entries', () => {
  for (const each of [dev, locked])
    expect(each.resource(TABLE).Properties).not.toHaveProperty('TimeToLiveSpecification')
})

test('protection is off in the setting dev only', () => {
  expect(dev.resource(TABLE)).toMatchObject({
    DeletionPolicy: 'Delete',
    Properties: { DeletionProtectionEnabled: false },
  })
  for (const { DeletionPolicy } of Object.values(dev.resources(BUCKET))) expect(DeletionPolicy).toBe('Delete')
  for (const { DeletionPolicy } of Object.values(template.resources(BUCKET))) expect(DeletionPolicy).toBe('Retain')
})

describe.each(Object.keys(template.resources(BUCKET)))('the bucket %s', (id) => {
  const { Properties } = template.resources(BUCKET)[id]!

  test('is private and encrypted', () => {
    expect(Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    })
    expect(JSON.stringify(Properties.BucketEncryption)).toContain('SSEAlgorithm')
  })

  test('refuses requests without TLS', () => {
    const policies = Object.values(template.resources('AWS::S3::BucketPolicy'))
    const { PolicyDocument } = policies.find((policy) => policy.Properties.Bucket.Ref === id)!.Properties
    const denied = PolicyDocument.Statement.filter(({ Effect }: { Effect: string }) => Effect === 'Deny')
    expect(denied).toContainEqual(
      expect.objectContaining({
        Action: 's3:*',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    )
  })

  test('lets nobody keep half of an upload', () => {
    expect(JSON.stringify(Properties.LifecycleConfiguration)).toContain('"AbortIncompleteMultipartUpload"')
  })
})

test.each(['StorageObjects', 'StorageBackups'])('%s keeps versions for a while, and lets nothing current go', (id) => {
  const { Properties } = template.resource(BUCKET, id)
  expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' })
  const rules: Record<string, unknown>[] = Properties.LifecycleConfiguration.Rules
  expect(rules.some((rule) => JSON.stringify(rule.NoncurrentVersionExpiration) === '{"NoncurrentDays":30}')).toBe(true)
  for (const rule of rules)
    for (const name of ['ExpirationInDays', 'ExpirationDate']) expect(rule).not.toHaveProperty(name)
})

test('backups can be locked', () => {
  expect(template.resource(BUCKET, 'StorageBackups').Properties).not.toHaveProperty('ObjectLockEnabled')
  expect(locked.resource(BUCKET, 'StorageBackups').Properties).toMatchObject({
    ObjectLockEnabled: true,
    ObjectLockConfiguration: { Rule: { DefaultRetention: { Days: 35, Mode: 'COMPLIANCE' } } },
  })
  expect(locked.resource(BUCKET, 'StorageObjects').Properties).not.toHaveProperty('ObjectLockEnabled')
})

test('logs and tokens stay, too', () => {
  for (const type of ['AWS::Logs::LogGroup', 'AWS::SecretsManager::Secret']) {
    const all = Object.values(template.resources(type))
    expect(all.length).toBeGreaterThan(0)
    for (const { DeletionPolicy } of all) expect(DeletionPolicy).toBe('Retain')
  }
})
