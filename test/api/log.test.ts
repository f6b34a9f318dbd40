import { afterAll, beforeAll, expect, test } from 'vitest'
import { quota } from '../support/records.ts'
import { TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, READ_TOKEN, WRITE_TOKEN } from '../support/test-api.ts'

/** The log over HTTP: every entry with its transactions, page by page. */

const api = await memoryApi({ cleanup: afterAll })
const save = (role: string, cpus = 1) => [{ op: 'saveQuota', role, quota: quota(cpus) }]

beforeAll(async () => {
  for (let cpus = 1; cpus <= 10; cpus++) await api.transact(save('log', cpus))
})

test('an entry has its place, time, writer and hashes, and what its transactions did', async () => {
  const { body } = await api.as(WRITE_TOKEN).transact(save('entry', 7), { key: 'entry' })
  const { status, headers, body: entry } = await api.get(`/v1/log/${body.lsn}`)
  expect([status, headers.get('boreal-lsn')]).toEqual([200, String(body.lsn)])
  expect(entry).toEqual({
    lsn: body.lsn,
    time: expect.any(Number),
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    prev: (await api.get(`/v1/log/${body.lsn - 1}`)).body.hash,
    writer: (await api.get('/v1/status')).body.writer,
    bytes: expect.any(Number),
    transactions: [
      {
        id: body.transactionId,
        index: 0,
        actor: 'writer',
        idempotencyKey: 'entry',
        events: [{ event: 'quotaSaved', v: 1, role: 'entry', quota: quota(7) }],
        results: [{ op: 'saveQuota', affected: 1 }],
      },
    ],
  })
  expect(Math.abs(entry.time - Date.now())).toBeLessThan(10_000)
})

test('pages follow one another from any place to the end, without gap', async () => {
  const { lsn: end } = await api.state()
  const seen: { lsn: number; hash: string; prev: string }[] = []
  for (let after: string | undefined = '0'; after !== undefined; ) {
    const { body, headers }: { body: { items: typeof seen; nextCursor?: string }; headers: Headers } = await api.get(
      `/v1/log?after=${after}&limit=4`,
    )
    expect(body.items.length).toBeLessThanOrEqual(4)
    seen.push(...body.items)
    expect(headers.get('boreal-lsn')).toBe(String(seen.at(-1)!.lsn))
    after = body.nextCursor
  }
  expect(seen.map(({ lsn }) => lsn)).toEqual(Array.from({ length: end }, (_, index) => index + 1))
  for (const [index, { prev }] of seen.entries()) if (index > 0) expect(prev).toBe(seen[index - 1]!.hash)

  expect((await api.get('/v1/log')).body.items).toEqual(seen)
  expect((await api.get(`/v1/log?after=${end - 1}`)).body).toEqual({ items: [seen.at(-1)] })
  expect((await api.get(`/v1/log?after=${end}`)).body).toEqual({ items: [] })
  expect((await api.get(`/v1/log?after=${end + 100}`)).body).toEqual({ items: [] })
})

test('transactions that were submitted together have their places in their entries', async () => {
  const roles = Array.from({ length: 20 }, (_, index) => `together-${index}`)
  const answers = await Promise.all(roles.map((role) => api.transact(save(role))))
  for (const [index, { body }] of answers.entries()) {
    const { transactions } = (await api.get(`/v1/log/${body.lsn}`)).body
    const own = transactions.find(({ id }: { id: string }) => id === body.transactionId)
    expect(own.events[0].role).toBe(roles[index])
    expect(transactions.map((each: { index: number }) => each.index)).toEqual([...transactions.keys()])
  }
})

test('an idempotency key is shown to its owner and to admins, to nobody else', async () => {
  const ofAdmin = (await api.transact(save('secret', 1), { key: 'key-of-admin' })).body.lsn
  const ofWriter = (await api.as(WRITE_TOKEN).transact(save('secret', 2), { key: 'key-of-writer' })).body.lsn
  const shown = async (token: string) => {
    const reader = api.as(token)
    const entries = await Promise.all([ofAdmin, ofWriter].map((lsn) => reader.get(`/v1/log/${lsn}`)))
    const page = (await reader.get(`/v1/log?after=${ofAdmin - 1}&limit=2`)).body.items
    expect(page).toEqual(entries.map(({ body }) => body))
    return entries.map(({ body }) => body.transactions[0].idempotencyKey)
  }
  expect(await shown(api.token)).toEqual(['key-of-admin', 'key-of-writer'])
  expect(await shown(WRITE_TOKEN)).toEqual([undefined, 'key-of-writer'])
  expect(await shown(READ_TOKEN)).toEqual([undefined, undefined])
  for (const lsn of [ofAdmin, ofWriter]) {
    expect(JSON.stringify((await api.as(READ_TOKEN).get(`/v1/log/${lsn}`)).body)).not.toContain('key-of')
  }
})

test('a page ends early at 5 MB, and the next one goes on', async () => {
  const store = new TaskStore(api)
  const large = (id: string) =>
    taskIn('large', id, { taskEvents: [{ timestamp: 1, status: 'LOST', message: id.padEnd(900_000, 'é') }] })
  const first = await store.save(large('large-1'))
  for (const id of ['large-2', 'large-3', 'large-4']) await store.save(large(id))
  const page = (await api.get(`/v1/log?after=${first - 1}`)).body
  expect(page.items.map(({ lsn }: { lsn: number }) => lsn)).toEqual([first, first + 1])
  expect(page.nextCursor).toBe(String(first + 1))
  const next = (await api.get(`/v1/log?after=${page.nextCursor}`)).body
  expect(next.items.map(({ lsn }: { lsn: number }) => lsn)).toEqual([first + 2, first + 3])
  expect(next).not.toHaveProperty('nextCursor')
})
