import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { host, quota } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, READ_TOKEN } from '../support/test-api.ts'

/** SQL of users is read-only in fact, whatever it looks like, and ends at its deadline. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const reader = api.as(READ_TOKEN)

beforeAll(async () => {
  await new TaskStore(api).save(taskIn('www', 't-1'), taskIn('www', 't-2'))
  await api.transact([
    { op: 'saveQuota', role: 'www', quota: quota(1) },
    { op: 'saveHostAttributes', hostAttributes: host('h1') },
  ])
})

/** The statement is refused, the store is as it was, and the reader still works. */
async function expectHarmless(sql: string): Promise<void> {
  await expectRefused(api, 'query_failed', () => reader.query(sql))
  expect((await reader.query('select count(*)::int as n from task')).body.rows).toEqual([{ n: 2 }])
  expect((await api.get('/v1/tasks?role=www')).body.items).toHaveLength(2)
}

/** What every disguise below would do. */
const WRITES: [string, string][] = [
  ['insert', `insert into quota (role, num_cpus, ram_mb, disk_mb, quota, version) values ('x', 1, 1, 1, '{}', 1)`],
  ['update', `update task set status = 'LOST'`],
  ['delete', 'delete from task'],
  ['merge', 'merge into quota q using quota r on q.role = r.role when matched then delete'],
  ['delete in a CTE', 'with gone as (delete from task returning *) select * from gone'],
  ['insert in a CTE', `with x as (insert into boreal.departure values ('a', 'b', 1) returning 1) table x`],
  ['select into', 'select * into stolen from task'],
  ['select into a temporary table', 'select * into temp stolen from task'],
  ['select for update', 'select * from task for update'],
  ['create table', 'create table x (i int)'],
  ['create temporary table', 'create temp table x (i int)'],
  ['create function', `create function f() returns int language sql as 'select 1'`],
  ['create extension', 'create extension plpgsql'],
  ['drop', 'drop table task cascade'],
  ['alter table', 'alter table task add column x int'],
  ['alter system', `alter system set work_mem = '1GB'`],
  ['truncate', 'truncate task cascade'],
  ['copy to a program', `copy task to program 'cat > /tmp/x'`],
  ['copy to a file', `copy task to '/tmp/x'`],
  ['copy from a file', `copy quota from '/etc/passwd'`],
  ['do block', `do $$ begin execute 'reset role'; delete from task; end $$`],
  ['call', 'call f()'],
  ['explain analyze delete', 'explain analyze delete from task'],
  ['explain analyze with options', 'explain (analyze, buffers off) update task set status = $$LOST$$'],
  ['explain analyze create table', 'explain analyze create table x as select 1'],
  ['explain analyze create temporary table', 'explain analyze create temp table x as select 1'],
  ['two statements', 'select 1; delete from task'],
  ['two statements with a commit', 'select 1; commit; delete from task'],
  ['set role', 'set role postgres'],
  ['reset role', 'reset role'],
  ['set session authorization', 'set session authorization postgres'],
  ['set_config', `select set_config('role', 'postgres', false)`],
  ['set_config by its full name', `select pg_catalog.set_config('transaction_read_only', 'off', true)`],
  ['set transaction read write', 'set transaction read write'],
  ['prepare', 'prepare s1 as delete from task'],
  ['deallocate', 'deallocate all'],
  ['discard', 'discard all'],
  ['declare', 'declare c cursor with hold for select 1'],
  ['lock', 'lock table task in access exclusive mode'],
  ['listen', 'listen x'],
  ['notify', `notify x, 'y'`],
  ['vacuum', 'vacuum full task'],
  ['analyze', 'analyze'],
  ['reindex', 'reindex table task'],
  ['cluster', 'cluster task using task_pkey'],
  ['checkpoint', 'checkpoint'],
  ['begin', 'begin'],
  ['commit', 'commit'],
  ['rollback', 'rollback'],
  ['grant', 'grant all on all tables in schema public to boreal_reader'],
  ['security label', `comment on table task is 'x'`],
  ['nextval', `select nextval('x')`],
  ['large object', 'select lo_create(0)'],
  ['large object to a file', `select lo_export(1, '/tmp/x')`],
  ['large object from a file', `select lo_import('/etc/passwd')`],
  ['read a file', `select pg_read_file('/etc/passwd')`],
  ['list a directory', `select pg_ls_dir('.')`],
  ['end the session', 'select pg_terminate_backend(pg_backend_pid())'],
  ['cancel the query', 'select pg_cancel_backend(pg_backend_pid())'],
  ['reload the settings', 'select pg_reload_conf()'],
  ['switch the WAL', 'select pg_switch_wal()'],
  ['reset statistics', 'select pg_stat_reset()'],
  ['forge statistics', `select pg_clear_relation_stats('public', 'task')`],
  ['SQL in a function', `select query_to_xml('delete from task', true, true, '')`],
  ['SQL in another function', `select * from ts_stat('delete from task')`],
  ['advisory locks by the million', 'select count(pg_advisory_lock(i)) from generate_series(1, 1000000) i'],
  ['passwords', 'select * from pg_authid'],
  ['nothing but a comment', '-- select 1'],
  ['nothing but white space', ' \n\t'],
  ['no SQL', 'selekt 1'],
]

test.each(WRITES)('refused: %s', async (_name, sql) => {
  await expectHarmless(sql)
})

/** Ways to hide the first word. */
const DISGUISES: [string, (sql: string) => string][] = [
  ['white space', (sql) => ` \n\r\t\f\v${sql}`],
  ['a comment', (sql) => `/* select */ ${sql}`],
  ['a comment in a comment', (sql) => `/* /* */ select */ ${sql}`],
  ['a comment that seems to end', (sql) => `/* /* */ */ ${sql} /* select 1`],
  ['a line comment', (sql) => `-- select 1\n${sql}`],
  ['a line that ends with a carriage return', (sql) => `-- \r${sql} /*\nselect 1 */`],
  ['parentheses', (sql) => `((${sql}))`],
  ['upper case', (sql) => sql.toUpperCase()],
  ['a semicolon before', (sql) => `; ${sql}`],
  ['a word that begins like a query', (sql) => `selected ${sql}`],
]

describe.each(DISGUISES)('refused behind %s', (_name, disguise) => {
  test.each(['delete from task', 'reset role', 'deallocate all', 'do $$ begin delete from task; end $$'])(
    '%s',
    async (sql) => {
      await expectHarmless(disguise(sql))
    },
  )
})

test('queries are run behind comments and parentheses all the same', async () => {
  const queries = [
    'select 1 as one',
    '/* a /* nested */ one */ -- and a line\r\n ( (SELECT 1 as one) )',
    'with x as (select 1 as one) select * from x;',
    'values (1)',
    'table role',
    'explain select 1',
    'show server_version',
  ]
  for (const sql of queries) expect((await reader.query(sql)).status, sql).toBe(200)
})

test('a query runs as a role that may read and no more, in a read-only transaction', async () => {
  const { body } = await reader.query(
    `select current_user::text as who, current_setting('transaction_read_only') as ro`,
  )
  expect(body.rows).toEqual([{ who: 'boreal_reader', ro: 'on' }])
})

test('locks and settings of a query are gone after it', async () => {
  await reader.query('select pg_advisory_lock(7), setseed(0.5)')
  const { body } = await reader.query(`select count(*)::int as locks from pg_locks where locktype = 'advisory'`)
  expect(body.rows).toEqual([{ locks: 0 }])
})

test('without a reader SQL is not available, and typed reads are', async () => {
  const small = await memoryApi({ readers: 0 })
  await expectRefused(small, 'not_available', () => small.query('select 1'))
  expect((await small.get('/v1/tasks')).status).toBe(200)
})
