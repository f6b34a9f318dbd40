import { describe, expect, test } from 'vitest'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { statementsOf } from '../../lib/migrate/script.ts'
import { digestAt, everythingIn, GENESIS, MIGRATIONS, SCHEMA, storeAt, withMore } from './stores.ts'

describe('a script', () => {
  test('is divided where statements end, and each knows its line', () => {
    const script = [
      '-- A comment; with a semicolon.',
      'create table a (b int); /* another; one */',
      '',
      `insert into "a;b" values ('it''s; one', $$;$$, $tag$ $$; $tag$);`,
      'do $$',
      'begin perform 1; end',
      '$$;',
      '-- the last',
      'select 1',
    ].join('\n')
    expect(statementsOf(script)).toEqual([
      { line: 2, sql: 'create table a (b int)' },
      { line: 4, sql: `insert into "a;b" values ('it''s; one', $$;$$, $tag$ $$; $tag$)` },
      { line: 5, sql: 'do $$\nbegin perform 1; end\n$$' },
      { line: 9, sql: 'select 1' },
    ])
  })

  test('of comments alone has no statement', () => {
    expect(statementsOf('-- nothing;\n/* here; */ ;\n')).toEqual([])
  })

  test.each(MIGRATIONS)(
    'of $name gives what the database makes of it whole',
    async ({ preRestore, postRestore, down }) => {
      for (const script of [preRestore ?? '', postRestore, down]) {
        const words = (text: string) =>
          text
            .replace(/--.*$/gm, '')
            .replace(/[;\s]+/g, ' ')
            .trim()
        const statements = statementsOf(script).map(({ sql }) => words(sql))
        expect(statements.join(' ')).toBe(words(script))
      }
    },
  )
})

describe('a migration that fails', { timeout: 60_000 }, () => {
  const BROKEN: [string, Parameters<typeof withMore>, RegExp][] = [
    [
      'in its post-restore script',
      [{ name: 'broken', postRestore: 'create table x (y int);\n\n-- Here.\nselect 1 / (select count(*) from x);' }],
      /^0005_broken\/post-restore\.sql line 4: division by zero \(SQLSTATE 22012\)\. Nothing of it was done$/,
    ],
    [
      'in its pre-restore script',
      [{ name: 'broken', preRestore: '\nalter table nobody add column x int' }],
      /^0005_broken\/pre-restore\.sql line 2: relation "nobody" does not exist/,
    ],
    [
      'although the one before it does not',
      [
        { name: 'fine', postRestore: 'create table x (y int)' },
        { name: 'broken', postRestore: 'nonsense' },
      ],
      /^0006_broken\/post-restore\.sql line 1: syntax error/,
    ],
    [
      'because it would end the SQL transaction',
      [{ name: 'sly', postRestore: 'create table x (y int);\ncommit;' }],
      /^0005_sly\/post-restore\.sql line 2: a script must not begin or end SQL transactions/,
    ],
  ]

  test.each(BROKEN)('%s is named with its line, and leaves the store as it was', async (_, more, message) => {
    const store = await storeAt(SCHEMA)
    const before = await everythingIn(store)
    await expect(migrateStore(store.engine, withMore(...more))).rejects.toMatchObject({
      code: 'migration_failed',
      message,
    })
    expect(await everythingIn(store)).toEqual(before)
    expect(await migrateStore(store.engine, MIGRATIONS)).toEqual({ from: SCHEMA, to: SCHEMA, scripts: [] })
  })

  test('on the way down is named likewise, and the store stays at its schema', async () => {
    const store = await storeAt(SCHEMA)
    const down = 'drop view role_usage;\ndrop table nobody;'
    await migrateStore(store.engine, withMore({ name: 'one-way', down }))
    const before = await everythingIn(store)
    const message = /^0005_one-way\/down\.sql line 2: table "nobody" does not exist/
    await expect(migrateStore(store.engine, MIGRATIONS)).rejects.toMatchObject({ message })
    expect(await everythingIn(store)).toEqual(before)
  })
})

test('a store that was made by other migrations is not migrated', async () => {
  const store = await storeAt(SCHEMA)
  const edited = MIGRATIONS.map((each) => (each.number === 3 ? { ...each, checksum: 'f'.repeat(64) } : each))
  for (const build of [edited, edited.slice(0, 3), [...edited, ...withMore({}).slice(SCHEMA)]]) {
    const message = /migration 0003_format of the store is not 0003_format of this build \(their checksums differ\)/
    await expect(migrateStore(store.engine, build)).rejects.toMatchObject({ code: 'migration_failed', message })
  }
})

test('a dry run says what was done and leaves nothing of it', async () => {
  const store = await storeAt(1)
  const before = await digestAt(store, 1)
  let seen = ''
  const look = async () => {
    seen = await digestAt(store, SCHEMA)
  }
  const tried = await migrateStore(store.engine, MIGRATIONS, { dryRun: { look } })
  const migrated = await migrateStore(store.engine, MIGRATIONS)
  const known = ({ scripts, ...rest }: typeof tried) => ({
    ...rest,
    scripts: scripts.map(({ ms: _, ...each }) => each),
  })
  expect(known(tried)).toEqual(known(migrated))
  expect(migrated.scripts.map(({ name }) => name)).toEqual([
    '0002_all_stores/post-restore.sql',
    '0003_format/post-restore.sql',
    '0004_resources/pre-restore.sql',
    '0004_resources/post-restore.sql',
  ])
  expect(seen).toBe(await digestAt(store, SCHEMA))
  expect(seen).not.toBe(before)
  expect(store.mark).toEqual(GENESIS)
})
