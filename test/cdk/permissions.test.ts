import { describe, expect, test } from 'vitest'
import { synthesized } from './synthesized.ts'

/** Who may do what: the whole list, so that a new permission shows up here. */

const { template: small } = synthesized()
const { template: busy } = synthesized({ profile: 'busy' })

const APPENDS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem']
const FOLLOWS = ['dynamodb:GetItem', 'dynamodb:Query']

const writers = [
  ['the API function', small, 'ApiRole'],
  ['the containers', busy, 'LeadersRole'],
] as const

describe.each(writers)('%s', (_name, template, role) => {
  test('append to the log, and change nothing in it but the head', () => {
    expect(template.actions(role, 'LogTable')).toEqual(APPENDS)
    const update = template.statements(role).find(({ Action }) => Action.includes('dynamodb:UpdateItem'))!
    expect(update.Action).toEqual(['dynamodb:UpdateItem'])
    expect(update.Condition).toMatchObject({ 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['*#head'] } })
  })

  test('read backups, and neither write nor delete them', () => {
    expect(template.actions(role, 'StorageBackups')).toEqual(['s3:GetObject', 's3:ListBucket'])
  })

  test('put bodies and snapshots, and delete nothing', () => {
    expect(template.actions(role, 'StorageObjects')).toEqual(['s3:GetObject', 's3:ListBucket', 's3:PutObject'])
    const put = template.statements(role).filter(({ Action }) => Action.includes('s3:PutObject'))
    expect(put.flatMap(({ Resource }) => Resource).map((name) => name.replace(/^<.*>/, ''))).toEqual([
      '/*/bodies/*',
      '/*/snapshots/*',
    ])
  })
})

describe.each(['Snapshot', 'Backup', 'Verify'])('the function %s', (job) => {
  test('follows the log, and can neither append to it nor delete from it', () => {
    expect(small.actions(`${job}JobRole`, 'LogTable')).toEqual(FOLLOWS)
  })

  test('does not know the tokens', () => {
    expect(small.actions(`${job}JobRole`, 'Tokens')).toEqual([])
    expect(JSON.stringify(small.resource('AWS::Lambda::Function', `${job}Job`).Properties.Environment)).not.toMatch(
      /Token/i,
    )
  })
})

test('the snapshot function writes and deletes snapshots, and nothing of backups', () => {
  const statements = small.statements('SnapshotJobRole').filter(({ Action }) => /Put|Delete/.test(Action.join()))
  const written = statements.filter(({ Action }) => Action[0]!.startsWith('s3:')).flatMap(({ Resource }) => Resource)
  expect(new Set(written.map((name) => name.replace(/^<.*>/, '')))).toEqual(new Set(['/*/snapshots/*']))
  expect(small.actions('SnapshotJobRole', 'StorageBackups')).toEqual(['s3:GetObject', 's3:ListBucket'])
})

test('the function that restores backups can write its report on them, and nothing else', () => {
  const writes = small.statements('VerifyJobRole').filter(({ Action }) => /s3:(Put|Delete)/.test(Action.join()))
  expect(writes.map(({ Action, Resource }) => [Action, Resource.map((name) => name.replace(/^<.*>/, ''))])).toEqual([
    [['s3:PutObject'], ['/*/backups/*/drill.json']],
  ])
})

test('only the function that makes backups deletes them', () => {
  const deleting = Object.keys(small.resources('AWS::IAM::Role')).filter((role) =>
    small.actions(role, 'StorageBackups').includes('s3:DeleteObject'),
  )
  expect(deleting.map((role) => role.replace(/[0-9A-F]{8}$/, ''))).toEqual(['BackupJobRole'])
})

test.each([
  ['small', small],
  ['busy', busy],
] as const)(
  'in the profile %s nobody may do everything with a service, nor anything with every table or bucket',
  (_name, template) => {
    for (const [id, { Properties }] of Object.entries(template.resources('AWS::IAM::Policy'))) {
      for (const { Action, Resource, Effect } of Properties.PolicyDocument.Statement) {
        expect(Effect).toBe('Allow')
        for (const action of [Action].flat()) expect(action, id).not.toContain('*')
        // ECS asks for a token of the registry, which has no resource.
        if (Action === 'ecr:GetAuthorizationToken') continue
        for (const resource of [Resource].flat()) expect(resource, id).not.toBe('*')
      }
    }
  },
)

test('nobody may scan the table, delete it, or change its settings', () => {
  const all = JSON.stringify([small, busy].map(({ template }) => template.findResources('AWS::IAM::Policy')))
  expect(all).not.toMatch(/dynamodb:(Scan|DeleteTable|UpdateTable|UpdateTimeToLive|BatchWriteItem|DeleteItem)/)
  expect(all).not.toMatch(/s3:(DeleteBucket|PutBucket|PutLifecycle|BypassGovernance|DeleteObjectVersion)/)
})
