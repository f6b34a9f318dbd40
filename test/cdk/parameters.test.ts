import { expect, test } from 'vitest'
import { parametersOf } from '../../cdk/parameters.ts'

test('parameters have defaults', () => {
  expect(parametersOf({})).toMatchObject({ profile: 'small', stage: 'production', stackName: 'Boreal', auth: 'token' })
})

test('numbers come as texts from the command line', () => {
  expect(parametersOf({ apiMemoryMb: '2048', logDays: '90', leaderCpu: '2048' })).toMatchObject({
    apiMemoryMb: 2_048,
    logDays: 90,
    leaderCpu: 2_048,
  })
})

test('what the CDK keeps in the context is none of ours', () => {
  expect(() => parametersOf({ 'aws:cdk:enable-path-metadata': true, '@aws-cdk/core:x': true })).not.toThrow()
})

test.each([
  [{ profil: 'busy' }, /profil/],
  [{ profile: 'large' }, /profile/],
  [{ apiConcurrency: '0' }, /apiConcurrency: must be at least 1/],
  [{ apiMemoryMb: '512' }, /apiMemoryMb: must be at least 1024 MB/],
  [{ snapshotMinutes: '1.5' }, /snapshotMinutes/],
  [{ tombstoneDays: '6' }, /tombstoneDays: must be 0, for ever, or at least 7 days/],
  [{ alarmEmail: 'nobody' }, /alarmEmail/],
  [{ logDays: '31' }, /logDays/],
  [{ stackName: 'my stack' }, /stackName: must be a letter/],
])('refuses %j', (context, message) => {
  expect(() => parametersOf(context)).toThrow(message)
})

test('says everything that is wrong at once', () => {
  expect(() => parametersOf({ profile: 'large', burstLimit: 'x' })).toThrow(/profile[\s\S]*burstLimit/)
})
