import { expect, test } from 'vitest'
import { synthesized } from './synthesized.ts'

const { template } = synthesized()
const JOBS = {
  Snapshot: 'rate(15 minutes)',
  Backup: 'rate(1 hour)',
  Verify: 'rate(1 day)',
  Archive: 'rate(1 minute)',
  Trim: 'rate(1 hour)',
  Sweep: 'rate(1 hour)',
}

test('functions run on Node 24 and arm64, with the table and the buckets of the stack', () => {
  const functions = Object.values(template.resources('AWS::Lambda::Function'))
  expect(functions).toHaveLength(7)
  for (const { Properties } of functions) {
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    expect(Object.keys(Properties.Environment.Variables)).toEqual(
      expect.arrayContaining([
        'BOREAL_TABLE',
        'BOREAL_BUCKET',
        'BOREAL_BACKUP_BUCKET',
        'BOREAL_NAME',
        'BOREAL_RESTORE_DAYS',
      ]),
    )
  }
})

test('the API function ends before API Gateway gives up, and knows the tokens by name only', () => {
  const { Properties } = template.resource('AWS::Lambda::Function', 'ApiFunction')
  expect(Properties).toMatchObject({ Handler: 'api.handler', MemorySize: 1_769, Timeout: 29 })
  expect(Properties).not.toHaveProperty('ReservedConcurrentExecutions')
  expect(Properties.Environment.Variables).not.toHaveProperty('BOREAL_TOKENS')
  expect(Number(Properties.Environment.Variables.BOREAL_STORE_MB)).toBeLessThan(1_769 - 300)
})

test('its environments can be limited', () => {
  const { template: limited } = synthesized({ apiConcurrency: '3' })
  const { Properties } = limited.resource('AWS::Lambda::Function', 'ApiFunction')
  expect(Properties.ReservedConcurrentExecutions).toBe(3)
})

test.each(Object.entries(JOBS))('a rule starts %s: %s; what fails goes to the dead letters', (job, rate) => {
  const { Properties } = template.resource('AWS::Events::Rule', job)
  expect(Properties).toMatchObject({ ScheduleExpression: rate, State: 'ENABLED' })
  const [target] = Properties.Targets
  expect(target).toMatchObject({ RetryPolicy: { MaximumRetryAttempts: 2 } })
  expect(JSON.stringify(target.DeadLetterConfig)).toContain('DeadLetters')
  const fn = template.resource('AWS::Lambda::Function', `${job}Job`)
  expect(JSON.stringify(fn.Properties.DeadLetterConfig)).toContain('DeadLetters')
})

test('the API is throttled, logged, and passes everything on', () => {
  const { Properties } = template.resource('AWS::ApiGateway::Stage')
  expect(Properties.MethodSettings).toMatchObject([
    { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400, MetricsEnabled: true },
  ])
  expect(JSON.parse(Properties.AccessLogSetting.Format)).toMatchObject({ status: '$context.status' })
  expect(Properties.AccessLogSetting.Format).not.toMatch(/authorization/i)
  expect(template.resource('AWS::ApiGateway::Method').Properties).toMatchObject({
    HttpMethod: 'ANY',
    ApiKeyRequired: false,
  })
})

test('it asks for API keys or signatures where that is wanted', () => {
  const keys = synthesized({ auth: 'apiKey' }).template
  expect(keys.resource('AWS::ApiGateway::Method').Properties.ApiKeyRequired).toBe(true)
  expect(keys.resource('AWS::ApiGateway::UsagePlan').Properties.Throttle).toEqual({ RateLimit: 200, BurstLimit: 400 })
  const signatures = synthesized({ auth: 'iam' }).template
  expect(signatures.resource('AWS::ApiGateway::Method').Properties.AuthorizationType).toBe('AWS_IAM')
})

test('alarms tell a topic, when they begin and when they end', () => {
  const { template: told } = synthesized({ alarmEmail: 'ops@example.org' })
  const alarms = Object.values(told.resources('AWS::CloudWatch::Alarm'))
  for (const { Properties } of alarms) {
    expect(Properties.AlarmActions).toHaveLength(1)
    expect(Properties.OKActions).toEqual(Properties.AlarmActions)
    expect(Properties.AlarmDescription).toMatch(/docs\/aws\.md/)
  }
  expect(told.resource('AWS::SNS::Subscription').Properties).toMatchObject({
    Protocol: 'email',
    Endpoint: 'ops@example.org',
  })
})

test.each(['SnapshotAge', 'BackupAge', 'ArchiveAge', 'VerifiedRestoreAge'])(
  'silence about %s is an alarm',
  (metric) => {
    const alarms = Object.values(template.resources('AWS::CloudWatch::Alarm'))
    const { Properties } = alarms.find((alarm) => alarm.Properties.MetricName === metric)!
    expect(Properties).toMatchObject({ TreatMissingData: 'breaching', Namespace: 'Boreal' })
    expect(Properties.Dimensions).toContainEqual({ Name: 'stack', Value: 'Boreal' })
  },
)

test('there are alarms for the log, the API, throttles and dead letters', () => {
  const ids = Object.keys(template.resources('AWS::CloudWatch::Alarm')).join()
  for (const name of ['LogErrors', 'ServerErrors', 'ApiThrottles', 'TableThrottles', 'DeadLetters', 'BackupErrors']) {
    expect(ids).toContain(name)
  }
})

test.each(Object.keys(JOBS))('%s has a log that ends some day, and an alarm when it fails again and again', (job) => {
  expect(template.resource('AWS::Logs::LogGroup', `${job}Job`).Properties.RetentionInDays).toBe(30)
  const alarms = Object.entries(template.resources('AWS::CloudWatch::Alarm'))
  expect(alarms.some(([id]) => id.includes(`${job}Errors`))).toBe(true)
  expect(JSON.stringify(template.resource('AWS::CloudWatch::Dashboard').Properties)).toContain('ArchiveAge')
})

test('what jobs had to leave undone is added up, over all of them', () => {
  const alarms = Object.entries(template.resources('AWS::CloudWatch::Alarm'))
  const [, { Properties }] = alarms.find(([id]) => id.includes('JobWarnings'))!
  expect(Properties.Metrics.filter(({ MetricStat }: { MetricStat?: unknown }) => MetricStat)).toHaveLength(6)
})
