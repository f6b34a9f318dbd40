import { expect, test } from 'vitest'
import { parseMessage } from '../../lib/log/stream-format.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { following, leading, manglingProxy } from '../support/log-streams.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config } from '../support/records.ts'
import { as, request, saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { ADMIN_TOKEN, READ_TOKEN, TestApi } from '../support/test-api.ts'

const write = (node: BorealNode, id: string) => node.submit(request([saveTask(id)]), as('p'))

const figures = async (node: BorealNode) => (await node.status()).follows

/** The stream is open, and ticks. */
const heard = (node: BorealNode) => expect.poll(async () => (await figures(node))?.pushed).toBe(true)

const applied = async (node: BorealNode) => (await node.status()).appliedLsn

test('a follower has what the leader acknowledged, and asks the log for nothing', async () => {
  const leader = await leading()
  await write(leader.node, 'before')
  const follower = await following(leader, leader.url)
  await heard(follower.node)
  const { reads } = follower
  for (let index = 0; index < 20; index++) await write(leader.node, `t${index}`)
  await leader.node.submit(request([setStatus('t3', 'RUNNING')]), as('p'))
  await expect.poll(() => applied(follower.node)).toBe(22)
  expect((await leader.node.status()).followers).toBe(1)
  expect(follower.reads).toBe(reads)
  expect((await follower.node.digest()).digest).toBe((await leader.node.digest()).digest)
  expect(follower.warnings).toEqual([])
})

test('nothing is pushed before it is durable', async () => {
  const leader = await leading()
  const follower = await following(leader, leader.url)
  await heard(follower.node)
  const held = gate()
  leader.events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  const pending = write(leader.node, 't')
  await expect.poll(() => leader.events.puts).toBe(1)
  // What is said after the append was sent: some ticks, and no entry.
  const lines = leader.node.feed!.lines(0, new AbortController().signal)
  await lines.next()
  for (let lot = 0; lot < 3; lot++) {
    const { value } = await lines.next()
    expect(value).toMatch(/^\{"tick".*\n$/)
  }
  expect(await applied(follower.node)).toBe(0)
  held.open()
  await pending
  expect(parseMessage((await lines.next()).value!.split('\n')[0]!)).toMatchObject({ item: { lsn: 1 } })
  await lines.return(undefined)
  await expect.poll(() => applied(follower.node)).toBe(1)
})

test('an append of another writer is pushed when the leader has heard of it', async () => {
  const leader = await leading()
  const follower = await following(leader, leader.url)
  const { node: third } = await memoryNode({ table: leader.table, storeId: leader.storeId, pollMs: 3_600_000 })
  await heard(follower.node)
  const { reads } = follower
  await write(third, 'theirs')
  await write(leader.node, 'ours')
  await expect.poll(() => applied(follower.node)).toBe(2)
  expect(follower.reads).toBe(reads)
})

test('a consistent read on a follower asks the log, whatever is pushed', async () => {
  const leader = await leading()
  const follower = await following(leader, leader.url)
  const { node: third } = await memoryNode({ table: leader.table, storeId: leader.storeId, pollMs: 3_600_000 })
  await heard(follower.node)
  await write(third, 'unheard of by the leader')
  const { lsn } = await follower.node.read([], { level: 'consistent' })
  expect(lsn).toBe(1)
  follower.events.onRead = () => {
    throw new Error('away')
  }
  await expect(follower.node.read([], { level: 'consistent' })).rejects.toMatchObject({ code: 'log_unavailable' })
  await write(leader.node, 'pushed all the same')
  await expect.poll(() => applied(follower.node)).toBe(2)
})

test('the age of what a follower shows is that of what the leader knows', async () => {
  const leader = await leading()
  const follower = await following(leader, leader.url)
  const age = async () => (await follower.node.read([], { level: 'weak' })).ageMs
  await heard(follower.node)
  await write(leader.node, 't')
  await expect.poll(() => applied(follower.node)).toBe(1)
  await expect.poll(age).toBeLessThan(2_500)
  // Nobody looks at the log: the leader's knowledge gets older, and the follower says so though it is told all the time.
  await expect.poll(age).toBeGreaterThan(3_000)
  await heard(follower.node)
  await leader.node.confirm()
  await expect.poll(age).toBeLessThan(2_500)
})

test('while the leader is silent the log is polled', async () => {
  const leader = await leading()
  let silent = false
  const proxy = await manglingProxy(leader.url, (line) => (silent ? undefined : line))
  const follower = await following(leader, proxy, { pollMs: 100 })
  await heard(follower.node)
  silent = true
  await write(leader.node, 'unheard')
  await expect.poll(() => applied(follower.node), { timeout: 5_000 }).toBe(1)
  expect((await figures(follower.node))?.pushed).toBe(false)
  silent = false
  await heard(follower.node)
})

test('a leader that has gone is waited for, one that has changed is followed', async () => {
  const [first, second] = await Promise.all([leading(), leading({ storeId: 'another-store' })])
  const { table, storeId, bodies } = first
  const other = await leading({ table, storeId, bodies })
  let leader: string | undefined = first.url
  const follower = await following(first, () => leader)
  await heard(follower.node)
  leader = undefined
  await expect.poll(async () => (await figures(follower.node))?.pushed).toBe(false)
  leader = other.url
  await expect.poll(async () => await figures(follower.node)).toMatchObject({ leader: other.url, pushed: true })
  await write(other.node, 't')
  await expect.poll(() => applied(follower.node)).toBe(1)
  // A store of its own, that happens to be served there.
  leader = second.url
  await expect.poll(async () => (await figures(follower.node))?.failure).toMatch(/410 store_changed/)
})

test('a follower that is too slow is told so, and nothing is kept for it', async () => {
  const leader = await leading({ recent: { entries: 5, bytes: 1_000_000 } })
  const lines = leader.node.feed!.lines(0, new AbortController().signal)
  await lines.next()
  await lines.next()
  for (let index = 0; index < 20; index++) await write(leader.node, `t${index}`)
  expect((await lines.next()).value).toBe('{"end":"behind"}\n')
  expect(await lines.next()).toEqual({ done: true, value: undefined })
  expect(leader.node.feed!.followers).toBe(0)
  // Whoever begins so far behind reads the log first.
  let held = true
  const proxy = await manglingProxy(leader.url, (line) => (held ? undefined : line))
  const follower = await following(leader, proxy)
  for (let index = 20; index < 40; index++) await write(leader.node, `t${index}`)
  held = false
  await heard(follower.node)
  await write(leader.node, 'last')
  await expect.poll(() => applied(follower.node)).toBe(41)
})

test('nothing is kept while nobody has ever followed; the first who does begins where the node stands', async () => {
  const leader = await leading()
  for (let index = 0; index < 3; index++) await write(leader.node, `t${index}`)
  const linesAfter = async (after: number) => {
    const lines = leader.node.feed!.lines(after, new AbortController().signal)
    await lines.next()
    const { value } = await lines.next()
    await lines.return(undefined)
    return value as string
  }
  expect(await linesAfter(2)).toBe('{"end":"behind"}\n')
  expect(await linesAfter(3)).toContain('"tick"')
  await write(leader.node, 't3')
  expect(await linesAfter(3)).toContain('"lsn":4')
})

test('what is too large for the table is fetched from where it is', async () => {
  const leader = await leading()
  const follower = await following(leader, leader.url)
  await heard(follower.node)
  const random = () => Math.random().toString(36).slice(2)
  const labels = Array.from({ length: 20_000 }, (_, index) => ({ key: `k${index}`, value: random() + random() }))
  const { lsn } = await leader.node.submit(
    request([saveTask('large', { task: { ...config(), metadata: labels } })]),
    as('p'),
  )
  expect((await leader.events.get(lsn))?.bodyKey).toBeDefined()
  await expect.poll(() => applied(follower.node)).toBe(lsn)
  expect(follower.warnings).toEqual([])
})

test('a node that is stopped ends its streams', async () => {
  const leader = await leading()
  const stopping = new AbortController()
  const lines = leader.node.feed!.lines(0, stopping.signal)
  await lines.next()
  await lines.next()
  stopping.abort()
  expect((await lines.next()).value).toBe('{"end":"stopping"}\n')
})

test('the stream is for admins who know the store', async () => {
  const { url, node } = await leading()
  await node.submit(request([saveQuota('r')]), as('p'))
  const ask = async (token: string, path: string, headers = {}) => {
    const { status, body } = await new TestApi(url, token).send('GET', path, undefined, headers)
    return [status, body.code]
  }
  expect(await ask('nobody', '/v1/log-stream?after=0')).toEqual([401, 'unauthenticated'])
  expect(await ask(READ_TOKEN, '/v1/log-stream?after=0')).toEqual([403, 'forbidden'])
  expect(await ask(ADMIN_TOKEN, '/v1/log-stream?after=0', { 'boreal-store': 'other' })).toEqual([410, 'store_changed'])
  expect(await ask(ADMIN_TOKEN, '/v1/log-stream')).toEqual([400, 'invalid_field'])
  expect(await ask(ADMIN_TOKEN, '/v1/log-stream?after=-1')).toEqual([400, 'invalid_field'])
  const post = await new TestApi(url).send('POST', '/v1/log-stream?after=0')
  expect([post.status, post.body.code]).toEqual([405, 'method_not_allowed'])
})
