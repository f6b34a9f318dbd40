import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { host, quota } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** What SQL of users answers: rows, columns and types, parameters, limits, the tables of the schema. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new TaskStore(api)

beforeAll(async () => {
  await store.save(
    taskIn('www', 't-1', { slaveHost: 'h1', slaveId: 'agent-h1', status: 'RUNNING' }),
    taskIn('www', 't-2', { status: 'FINISHED' }),
  )
  const hostAttributes = host('h1', { attributes: [{ name: 'rack', values: ['a'] }] })
  await api.transact([{ op: 'saveQuota', role: 'www', quota: quota(1.5) }], { key: 'remembered' })
  await api.transact([{ op: 'saveHostAttributes', hostAttributes }])
})

const rows = async (sql: string, params: unknown[] = []) => {
  const { status, body } = await api.query(sql, params)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.rows
}

describe('columns and values', () => {
  test.each([
    ['true', 'boolean', true],
    ['1::int2', 'smallint', 1],
    ['1', 'integer', 1],
    ['9007199254740991', 'bigint', 9_007_199_254_740_991],
    ['9007199254740993', 'bigint', '9007199254740993'],
    ['-9223372036854775808', 'bigint', '-9223372036854775808'],
    ['1.50::numeric', 'numeric', '1.50'],
    ['0.1::float8', 'double precision', 0.1],
    [`'NaN'::float8`, 'double precision', 'NaN'],
    [`'-Infinity'::float8`, 'double precision', '-Infinity'],
    [`'é😀'`, 'text', 'é😀'],
    [`'a'::varchar`, 'character varying', 'a'],
    [`'a'::char(2)`, 'character', 'a '],
    [`'\\x00ff'::bytea`, 'bytea', '\\x00ff'],
    [`'{"a": [1, null]}'::json`, 'json', { a: [1, null] }],
    [`'{"a": 1}'::jsonb`, 'jsonb', { a: 1 }],
    [`array['a', null]`, 'text[]', '{a,NULL}'],
    ['array[1, 2]', 'integer[]', '{1,2}'],
    [`'2026-01-02'::date`, 'date', '2026-01-02'],
    [`'2026-01-02T03:04:05Z'::timestamptz`, 'timestamp with time zone', '2026-01-02 03:04:05+00'],
    [`'1 day'::interval`, 'interval', '1 day'],
    [`'00000000-0000-0000-0000-000000000001'::uuid`, 'uuid', '00000000-0000-0000-0000-000000000001'],
    ['null::int', 'integer', null],
    ['null', 'text', null],
    [`'1.2.3.4'::inet`, 'oid 869', '1.2.3.4'],
  ])('%s is %s', async (expression, type, value) => {
    const { body } = await api.query(`select ${expression} as it`)
    expect(body).toMatchObject({ columns: [{ name: 'it', type }], rows: [{ it: value }], truncated: false })
  })

  test('columns have names of their own, whatever the query calls them', async () => {
    const names = async (sql: string) => {
      const { columns, rows } = (await api.query(sql)).body
      expect(Object.keys(rows[0])).toEqual(columns.map(({ name }: { name: string }) => name))
      return Object.entries(rows[0])
    }
    expect(await names('select 1 as a, 2 as a, 3 as b')).toEqual([
      ['a', 1],
      ['a_2', 2],
      ['b', 3],
    ])
    expect(await names('select 1 as a, 2 as a, 3 as a_2, 4 as a')).toEqual([
      ['a', 1],
      ['a_3', 2],
      ['a_2', 3],
      ['a_4', 4],
    ])
    expect((await names('select t.version, j.version from task t join job j using (job_id)')).length).toBe(2)
    expect((await names(`select ${Array.from({ length: 1_600 }, () => 1).join(', ')}`)).length).toBe(1_600)
    const { body } = await api.query('select 1 as "__proto__", 2 as "constructor"')
    expect(JSON.stringify(body.rows)).toBe('[{"__proto__":1,"constructor":2}]')
  })

  test('a query without columns or rows has none', async () => {
    expect((await api.query('select task_id from task where false')).body).toMatchObject({
      columns: [{ name: 'task_id', type: 'text' }],
      rows: [],
      truncated: false,
    })
    expect((await api.query('select from task')).body).toMatchObject({ columns: [], rows: [{}, {}] })
  })
})

describe('parameters', () => {
  test('text, numbers, booleans, null and lists of them go in as they are', async () => {
    const sql = `select $1::text as a, $2::int as b, $3::float8 as c, $4::bool as d, $5::text as e, $6::text[] as f,
      $7::int8 as g, $8::json as h, $9 as i`
    const text = `O'Reilly \\ "x" é😀 -- $1`
    const params = [text, -7, 0.1, true, null, ['a', 'b"c', null], '9223372036854775807', '{"x":1}', 'untyped']
    expect(await rows(sql, params)).toEqual([
      {
        a: text,
        b: -7,
        c: 0.1,
        d: true,
        e: null,
        f: '{a,"b\\"c",NULL}',
        g: '9223372036854775807',
        h: { x: 1 },
        i: 'untyped',
      },
    ])
    const any = 'select task_id from task where task_id = any($1) and status = $2'
    expect(await rows(any, [['t-1', 't-2'], 'RUNNING'])).toEqual([{ task_id: 't-1' }])
    expect(await rows('select count(*)::int as n from task where instance_id = any($1::int[])', [[0, 1]])).toEqual([
      { n: 2 },
    ])
  })

  test.each([
    ['one that is no number', 'select $1::int', ['x']],
    ['one too few', 'select $1::int, $2::int', [1]],
    ['one too many', 'select 1', [1]],
    ['one whose type nobody knows', 'select $2::int', [1, 2]],
  ])('%s is refused by the database', async (_name, sql, params) => {
    const { body } = await expectRefused(api, 'query_failed', () => api.query(sql, params))
    expect(body.detail).toMatch(/\(SQLSTATE \w{5}\)$/)
  })

  test.each([
    ['sql', { sql: '' }],
    ['sql', { sql: 7 }],
    ['sql', {}],
    ['sql', { sql: `select '${'x'.repeat(100_000)}'` }],
    ['sql', { sql: 'select \u0000' }],
    ['params.0', { sql: 'select $1', params: [{}] }],
    ['params.0', { sql: 'select $1', params: [[[1]]] }],
    ['params.0', { sql: 'select $1', params: ['a\u0000'] }],
    ['params', { sql: 'select $1', params: 'a' }],
    ['params', { sql: 'select 1', params: Array.from({ length: 1_001 }, () => 1) }],
    ['maxRows', { sql: 'select 1', maxRows: 0 }],
    ['maxRows', { sql: 'select 1', maxRows: 10_001 }],
    ['maxRows', { sql: 'select 1', maxRows: 1.5 }],
    ['', { sql: 'select 1', rows: 1 }],
  ])('a request that is none is refused at %s', async (path, body) => {
    const { body: problem } = await expectRefused(api, 'invalid_field', () => api.send('POST', '/v1/query', body))
    expect(problem.errors[0].path).toBe(path)
  })
})

describe('limits', () => {
  test.each([1, 16, 17, 99])('at most maxRows are given: %d of 100', async (maxRows) => {
    const { body } = await api.send('POST', '/v1/query', { sql: 'select i from generate_series(1, 100) i', maxRows })
    expect([body.rows.length, body.rows.at(-1).i, body.truncated]).toEqual([maxRows, maxRows, true])
  })

  test.each([100, 101])('a result of exactly maxRows or less is whole: 100 of %d', async (maxRows) => {
    const { body } = await api.send('POST', '/v1/query', { sql: 'select i from generate_series(1, 100) i', maxRows })
    expect([body.rows.length, body.truncated]).toEqual([100, false])
  })

  test('without maxRows there are at most 10,000', async () => {
    const { body } = await api.query('select i from generate_series(1, 1000000) i')
    expect([body.rows.length, body.truncated]).toEqual([10_000, true])
  })

  test('a result is cut at 5 MB, however large it would be', async () => {
    const tenGigabytes = `select repeat('x', 1000000) as x from generate_series(1, 10000)`
    const { body } = await api.query(tenGigabytes)
    expect([body.rows.length, body.truncated]).toEqual([5, true])
    const narrow = (await api.query(`select repeat('x', 1000) as x from generate_series(1, 9000)`)).body
    expect(narrow.truncated).toBe(true)
    expect(narrow.rows.length).toBeGreaterThan(5_000)
    expect(narrow.rows.length).toBeLessThan(5_300)
    const one = (await api.query(`select repeat('x', 6000000) as x`)).body
    expect([one.rows, one.truncated]).toEqual([[], true])
  })

  test('an error behind the rows that are given is an error', async () => {
    const { body } = await expectRefused(api, 'query_failed', () =>
      api.query('select 1 / (500 - i) from generate_series(1, 1000) i'),
    )
    expect(body.detail).toBe('division by zero (SQLSTATE 22012)')
  })
})

describe('the schema', () => {
  const COLUMNS: Record<string, string[]> = {
    role: ['role', 'version'],
    job: ['job_id', 'role', 'environment', 'name', 'running', 'version'],
    task_config: ['config_id', 'config', 'version'],
    task: [
      ...['task_id', 'job_id', 'role', 'environment', 'job_name', 'instance_id', 'status', 'slave_host', 'slave_id'],
      ...['config_id', 'failure_count', 'times_partitioned', 'ancestor_id', 'task_events', 'assigned_ports'],
      ...['created_ms', 'updated_ms', 'version'],
    ],
    quota: ['role', 'num_cpus', 'ram_mb', 'disk_mb', 'quota', 'version'],
    host: ['host', 'slave_id', 'mode', 'attributes', 'version'],
    host_attribute: ['host', 'name', 'value', 'version'],
    job_summary: ['job_id', 'role', 'environment', 'name', 'active', 'terminal', 'changed_lsn'],
    role_summary: ['role', 'jobs', 'active', 'terminal', 'changed_lsn'],
    'boreal.applied': ['lsn', 'hash', 'time_ms'],
    'boreal.idempotency': ['key_hash', 'lsn', 'index', 'time_ms'],
    'boreal.schema_migration': ['number', 'name', 'checksum', 'down_sql'],
  }

  test.each(Object.entries(COLUMNS))('%s can be selected from and has a row', async (table, columns) => {
    const { body } = await api.query(`select ${columns.join(', ')} from ${table} limit 1`)
    expect(body.columns.map(({ name }: { name: string }) => name)).toEqual(columns)
    expect(body.rows).toHaveLength(1)
  })

  test('every table and view that there is can be selected from', async () => {
    const relations = await rows(`select table_schema || '.' || table_name as name from information_schema.tables
      where table_schema in ('public', 'boreal') order by 1`)
    expect(relations.length).toBeGreaterThanOrEqual(15)
    for (const { name } of relations) expect((await api.query(`select * from ${name}`)).status, name).toBe(200)
  })

  test('SQL shows what typed reads show, at the LSN that it says', async () => {
    const version = await store.save(taskIn('www', 't-2', { status: 'LOST' }))
    const answer = await api.query(
      'select status, version, (select lsn from boreal.applied) as lsn from task order by 1',
    )
    expect(answer.body.rows).toEqual([
      { status: 'LOST', version, lsn: answer.body.lsn },
      { status: 'RUNNING', version: 1, lsn: answer.body.lsn },
    ])
    expect(answer.headers.get('boreal-lsn')).toBe(String(answer.body.lsn))
    expect(answer.body.lsn).toBeGreaterThanOrEqual(version)
    const [summary] = await rows(`select running, lost, finished, active, terminal, changed_lsn from job_summary`)
    expect(summary).toEqual({ running: 1, lost: 1, finished: 0, active: 1, terminal: 1, changed_lsn: version })
  })

  test('SQL takes the consistency of reads', async () => {
    const send = (query: string) => api.send('POST', `/v1/query?${query}`, { sql: 'select 1' })
    expect((await send('consistency=weak')).status).toBe(200)
    const lsn = await store.save(taskIn('www', 't-3'))
    expect((await send(`minLsn=${lsn}`)).body.lsn).toBeGreaterThanOrEqual(lsn)
    await expectRefused(api, 'invalid_field', () => send(`asOfLsn=${lsn + 1_000}`))
    await expectRefused(api, 'invalid_field', () => send('asOfLsn=1&minLsn=1'))
  })
})
