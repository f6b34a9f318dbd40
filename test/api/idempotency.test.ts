import { setTimeout as delay } from 'node:timers/promises'
import { ulid } from 'ulid'
import { V7Generator } from 'uuidv7'
import { afterAll, expect, test } from 'vitest'
import { quota } from '../support/records.ts'
import { memoryApi, READ_TOKEN, WRITE_TOKEN } from '../support/test-api.ts'

/** Idempotency keys through HTTP: a retry gets the answer of the first try, whatever has happened since. */

const api = await memoryApi({ cleanup: afterAll })

const save = (role: string, cpus = 1) => [{ op: 'saveQuota', role, quota: quota(cpus) }]
const uuidv7At = (time: number) => new V7Generator().generateOrResetCore(time, 10_000).toString()
const MINUTE = 60_000

test('the same request with the same key is done once and answered alike', async () => {
  const first = await api.transact(save('once', 1), { key: 'once' })
  expect(first.headers.get('idempotency-key')).toBe('once')
  await api.transact(save('once', 2))
  const before = await api.state()
  const retry = await api.transact(save('once', 1), { key: 'once' })
  expect([retry.status, retry.body]).toEqual([200, first.body])
  expect(retry.headers.get('boreal-lsn')).toBe(String(first.body.lsn))
  expect(await api.state()).toEqual(before)
})

test('the same request is known again however it is written down', async () => {
  const first = await api.transact(save('written', 1), { key: 'written' })
  const text = `{ "operations" : [ {"quota":{"resources":[{"ramMb":"1024"},{"diskMb":2048},{"numCpus":1.0}]},
    "role":"written", "op":"saveQuota"} ] }`
  const retry = await api.send('POST', '/v1/transactions', text, { 'idempotency-key': 'written' })
  expect([retry.status, retry.body]).toEqual([200, first.body])
})

test('of many tries at once one is done, and all get its answer', async () => {
  const tries = Array.from({ length: 20 }, () => api.transact(save('at-once'), { key: 'at-once' }))
  const answers = await Promise.all(tries)
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  const { transactions } = (await api.get(`/v1/log/${answers[0]!.body.lsn}`)).body
  expect(transactions.filter(({ id }: { id: string }) => id === answers[0]!.body.transactionId)).toHaveLength(1)
})

test('the same key with another request is refused', async () => {
  await api.transact(save('reused', 1), { key: 'reused' })
  const before = await api.state()
  const { status, body } = await api.transact(save('reused', 2), { key: 'reused' })
  expect([status, body.code]).toEqual([422, 'idempotency_key_reused'])
  expect(await api.state()).toEqual(before)
})

test('the same key of another principal is another key', async () => {
  const first = await api.transact(save('principal', 1), { key: 'principal' })
  const second = await api.as(WRITE_TOKEN).transact(save('principal', 2), { key: 'principal' })
  expect(second.status).toBe(200)
  expect(second.body.lsn).toBeGreaterThan(first.body.lsn)
  expect((await api.get('/v1/transactions/principal')).body.transactionId).toBe(first.body.transactionId)
  const own = await api.as(WRITE_TOKEN).get('/v1/transactions/principal')
  expect(own.body.transactionId).toBe(second.body.transactionId)
  expect((await api.as(READ_TOKEN).get('/v1/transactions/principal')).body.state).toBe('unknown')
})

test('a transaction can be asked for by its key', async () => {
  const before = await api.state()
  expect((await api.get('/v1/transactions/asked')).body).toEqual({ state: 'unknown', lsn: before.lsn })
  const { body } = await api.transact(save('asked'), { key: 'asked' })
  const found = await api.get('/v1/transactions/asked')
  expect(found.body).toEqual({ state: 'committed', ...body })
  expect(found.headers.get('boreal-lsn')).toBe(String(body.lsn))
})

test('without a key the server makes one, which is not remembered', async () => {
  const { headers, body } = await api.transact(save('made'))
  const key = headers.get('idempotency-key')!
  expect(key).toBe(body.transactionId)
  expect((await api.get(`/v1/transactions/${key}`)).body.state).toBe('unknown')
})

test('what was refused or changed nothing may be sent again with its key', async () => {
  const preconditions = [{ entity: 'quota', key: 'again-1', exists: true }]
  expect((await api.transact(save('again'), { key: 'again', preconditions })).status).toBe(409)
  await api.transact(save('again-1'))
  const done = await api.transact(save('again'), { key: 'again', preconditions })
  expect(done.status).toBe(200)
  await api.transact([{ op: 'removeQuota', role: 'again-1' }])
  expect((await api.transact(save('again'), { key: 'again', preconditions })).body).toEqual(done.body)

  const remove = [{ op: 'removeQuota', role: 'again-2' }]
  expect((await api.transact(remove, { key: 'again-2' })).body.results).toEqual([{ op: 'removeQuota', affected: 0 }])
  await api.transact(save('again-2'))
  expect((await api.transact(remove, { key: 'again-2' })).body.results).toEqual([{ op: 'removeQuota', affected: 1 }])
})

test.each([
  ['one character', 'k'],
  ['128 characters', 'k'.repeat(128)],
  ['punctuation', `!"#$%&'()*+,-./:;<=>?@[\\]^_{|}~`],
  ['dots', '..'],
])('a key may be %s', async (_name, key) => {
  const { body, status } = await api.transact(save('allowed'), { key })
  expect(status).toBe(200)
  const path = `/v1/transactions/${encodeURIComponent(key).replaceAll('.', '%2e')}`
  if (key !== '..') expect((await api.get(path)).body).toEqual({ state: 'committed', ...body })
})

test.each([
  ['empty', ''],
  ['longer than 128 characters', 'k'.repeat(129)],
  ['with a space inside', 'a b'],
  ['beyond ASCII', 'é'],
])('a key that is %s is refused', async (_name, key) => {
  const before = await api.state()
  const { status, body } = await api.transact(save('refused'), { key })
  expect([status, body.code, body.errors[0].path]).toEqual([400, 'invalid_field', 'Idempotency-Key'])
  expect(await api.state()).toEqual(before)
})

test.each([
  ['ULID', (time: number) => ulid(time)],
  ['UUIDv7', uuidv7At],
])('a %s may be a little ahead of the time, not more', async (_name, keyAt) => {
  const before = await api.state()
  const { status, body } = await api.transact(save('ahead'), { key: keyAt(Date.now() + 6 * MINUTE) })
  expect([status, body.code, body.errors[0].path]).toEqual([400, 'invalid_field', 'Idempotency-Key'])
  expect(await api.state()).toEqual(before)
  for (const time of [Date.now() + 4 * MINUTE, Date.now(), Date.now() - 10 * MINUTE]) {
    expect((await api.transact(save('ahead'), { key: keyAt(time) })).status).toBe(200)
  }
})

test('a key that carries a time before the horizon is refused, and never done again', async () => {
  const horizon = { maxAgeMs: 60_000, minAgeMs: 0, maxKeys: 1, sliceMs: 20 }
  const short = await memoryApi({ horizon })
  const key = ulid()
  expect((await short.transact(save('old'), { key })).status).toBe(200)
  for (const later of ['later-1', 'later-2', 'later-3']) {
    await delay(50)
    await short.transact(save('old', 2), { key: later })
  }
  const before = await short.state()
  for (const answer of [await short.transact(save('old'), { key }), await short.get(`/v1/transactions/${key}`)]) {
    expect([answer.status, answer.body.code]).toEqual([410, 'idempotency_key_expired'])
  }
  expect(await short.state()).toEqual(before)
  expect((await short.get('/v1/transactions/later-3')).body.state).toBe('committed')
})
