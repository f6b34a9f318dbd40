import { describe, expect, test } from 'vitest'
import { type Deployed, synthesized } from './synthesized.ts'

/** Who may do what: the whole list, so that a new permission shows up here. */

const { template: small } = synthesized()
const { template: busy } = synthesized({ profile: 'busy' })

const FOLLOWS = ['dynamodb:GetItem', 'dynamodb:Query']
const JOBS = ['Snapshot', 'Backup', 'Verify', 'Archive', 'Trim', 'Sweep'] as const

const writers = [
  ['the API function', small, 'ApiRole'],
  ['the containers', busy, 'LeadersRole'],
] as const

/** The keys below a store that a role may do this with, in a bucket. */
function keysOf(template: Deployed, role: string, action: string, bucket: string): string[] {
  const found = template.statements(role).filter(({ Action }) => Action.includes(action))
  const resources = found.flatMap(({ Resource }) => Resource).filter((name) => name.includes(bucket))
  return [...new Set(resources.map((name) => name.replace(/^<.*>/, '')))].sort()
}

/** Under which conditions a role may do this with the table. */
function conditionsOf(template: Deployed, role: string, action: string): unknown[] {
  const found = template.statements(role).filter(({ Action }) => Action.includes(action))
  for (const { Action } of found) expect(Action).toEqual([action])
  return found.map(({ Condition }) => Condition)
}

const onKeys = (like: string[], unlike?: string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': like },
  ...(unlike === undefined ? {} : { 'ForAllValues:StringNotLike': { 'dynamodb:LeadingKeys': unlike } }),
  Null: { 'dynamodb:LeadingKeys': 'false' },
})
const SLOTS = onKeys(['*#0*'], ['registry#*'])

describe.each(writers)('%s', (_name, template, role) => {
  test('append whole entries, empty none, and delete and change only what is beside the log', () => {
    expect(template.actions(role, 'LogTable')).toEqual([
      ...['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    ])
    expect(conditionsOf(template, role, 'dynamodb:PutItem')).toEqual([
      { 'ForAllValues:StringNotEquals': { 'dynamodb:Attributes': ['trimmed'] } },
    ])
    expect(conditionsOf(template, role, 'dynamodb:UpdateItem')).toEqual([onKeys(['*#head', 'registry#'])])
    expect(conditionsOf(template, role, 'dynamodb:DeleteItem')).toEqual([onKeys(['registry#*'])])
  })

  test('add backups and reports of drills, and neither replace nor delete a backup', () => {
    expect(template.actions(role, 'StorageBackups')).toEqual(['s3:GetObject', 's3:ListBucket', 's3:PutObject'])
    const puts = template
      .statements(role)
      .filter(({ Action, Resource }) => Action.includes('s3:PutObject') && /Backups/.test(Resource.join()))
    expect(puts.map(({ Resource, Condition }) => [Resource[0]!.replace(/^<.*>/, ''), Condition])).toEqual([
      ['/*/backups/*', { Null: { 's3:if-none-match': 'false' } }],
      ['/*/backups/*/drill.json', undefined],
    ])
  })

  test('write what a node writes, and delete nothing that anybody could be restored from', () => {
    const written = ['archive', 'bodies', 'operations', 'recoveries', 'snapshots', 'staged']
    expect(keysOf(template, role, 's3:PutObject', 'StorageObjects')).toEqual(written.map((name) => `/*/${name}/*`))
    expect(keysOf(template, role, 's3:DeleteObject', 'StorageObjects')).toEqual(['/*/recoveries/*', '/*/staged/*'])
  })
})

describe.each(['Snapshot', 'Backup', 'Verify', 'Archive'])('the function %s', (job) => {
  test('follows the log, and can neither append to it nor delete from it', () => {
    expect(small.actions(`${job}JobRole`, 'LogTable')).toEqual(FOLLOWS)
  })
})

test.each(JOBS)('the function %s does not know the tokens', (job) => {
  expect(small.actions(`${job}JobRole`, 'Tokens')).toEqual([])
  const { Environment } = small.resource('AWS::Lambda::Function', `${job}Job`).Properties
  expect(JSON.stringify(Environment)).not.toMatch(/Token/i)
})

test('the archive function puts segments, and deletes nothing anywhere', () => {
  expect(keysOf(small, 'ArchiveJobRole', 's3:PutObject', 'Storage')).toEqual(['/*/archive/*'])
  expect(keysOf(small, 'ArchiveJobRole', 's3:DeleteObject', 'Storage')).toEqual([])
  expect(small.actions('ArchiveJobRole', 'StorageBackups')).toEqual([])
})

test('the trim function empties and deletes slots, and cannot append an entry or forget a name', () => {
  const role = 'TrimJobRole'
  expect(conditionsOf(small, role, 'dynamodb:PutItem')).toEqual([
    { ...SLOTS, 'ForAnyValue:StringEquals': { 'dynamodb:Attributes': ['trimmed'] } },
  ])
  expect(conditionsOf(small, role, 'dynamodb:DeleteItem')).toEqual([SLOTS])
  expect(conditionsOf(small, role, 'dynamodb:UpdateItem')).toEqual([onKeys(['*#head'])])
  expect(keysOf(small, role, 's3:PutObject', 'Storage')).toEqual(['/*/archive/deletion.json'])
  expect(keysOf(small, role, 's3:DeleteObject', 'Storage')).toEqual(['/*/archive/*', '/*/bodies/*', '/*/staged/*'])
  // It asks whether there is a dump of what it takes away.
  expect(small.actions(role, 'StorageBackups')).toEqual(['s3:GetObject', 's3:ListBucket'])
})

test('the sweep function deletes stores that have no name any more: it reads no object and puts nothing', () => {
  const role = 'SweepJobRole'
  expect(conditionsOf(small, role, 'dynamodb:BatchWriteItem')).toEqual([
    { ...SLOTS, 'ForAllValues:StringEquals': { 'dynamodb:Attributes': ['pk', 'sk'] } },
  ])
  expect(conditionsOf(small, role, 'dynamodb:DeleteItem')).toEqual([onKeys(['registry#*@*'])])
  expect(conditionsOf(small, role, 'dynamodb:UpdateItem')).toEqual([onKeys(['*#head', 'registry#'])])
  expect(small.actions(role, 'LogTable')).not.toContain('dynamodb:PutItem')
  expect(small.actions(role, 'StorageObjects')).toEqual(['s3:DeleteObject', 's3:ListBucket'])
  expect(small.actions(role, 'StorageBackups')).toEqual([])
})

test('nobody but the trim function may empty a slot, and nobody but it and the sweep may delete one', () => {
  for (const [template, roles] of [
    [small, ['ApiRole', ...JOBS.map((job) => `${job}JobRole`)]],
    [busy, ['LeadersRole', ...JOBS.map((job) => `${job}JobRole`)]],
  ] as const) {
    const may = (allows: (role: string) => boolean) => roles.filter(allows)
    const puts = (role: string) => conditionsOf(template, role, 'dynamodb:PutItem')
    const deletes = (role: string) =>
      ['DeleteItem', 'BatchWriteItem'].flatMap((name) => conditionsOf(template, role, `dynamodb:${name}`))
    const emptying = may((role) => puts(role).some((it) => !JSON.stringify(it).includes('StringNotEquals')))
    expect(emptying).toEqual(['TrimJobRole'])
    expect(may((role) => JSON.stringify(deletes(role)).includes('*#0*'))).toEqual(['TrimJobRole', 'SweepJobRole'])
  }
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

test('nobody may scan the table, delete it, or change its settings, or take away versions of objects', () => {
  const all = JSON.stringify([small, busy].map(({ template }) => template.findResources('AWS::IAM::Policy')))
  expect(all).not.toMatch(/dynamodb:(Scan|DeleteTable|UpdateTable|UpdateTimeToLive)/)
  expect(all).not.toMatch(/s3:(DeleteBucket|PutBucket|PutLifecycle|BypassGovernance|DeleteObjectVersion)/)
})
