import { expect, test } from 'vitest'
import type { BorealNode } from '../../lib/node/node.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveTask } from '../support/requests.ts'
import { RecordingLogger } from '../support/snapshots.ts'

const COUNT = { sql: 'select count(*) from task', params: [] }
const SLEEP = { sql: 'select pg_sleep(60)', params: [] }

const number = (cell: Buffer | null | undefined) => Number(cell!.toString())

/** Threads of this process that run. */
function threads(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'MessagePort').length
}

async function tasks(node: BorealNode): Promise<number> {
  const { results } = await node.read([COUNT], { level: 'consistent' })
  return number(results[0]!.rows[0]![0])
}

test('a query that does not end is ended at its deadline, and the reader is replaced', async () => {
  const { node } = await memoryNode({ readers: 1, queryTimeoutMs: 300 })
  await node.submit(request([saveTask('t')]), as('p'))
  await expect(node.query(SLEEP, 10, { level: 'weak' })).rejects.toMatchObject({ code: 'deadline_exceeded' })
  expect(await tasks(node)).toBe(1)
  await expect.poll(async () => (await node.status()).readers.length, { timeout: 15_000 }).toBe(1)
  const { result } = await node.query(COUNT, 10, { level: 'consistent' })
  expect(number(result.rows[0]![0])).toBe(1)
})

test('a write does not wait for a reader', async () => {
  const { node } = await memoryNode({ readers: 1, queryTimeoutMs: 3_000 })
  const order: string[] = []
  const query = node.query(SLEEP, 10, { level: 'weak' }).catch(() => order.push('query'))
  for (let index = 0; index < 5; index++) {
    await node.submit(request([saveTask(`t${index}`)]), as('p'))
    order.push('write')
  }
  await query
  expect(order).toEqual(['write', 'write', 'write', 'write', 'write', 'query'])
})

test('a reader that joins while writes go on misses none of them', async () => {
  const { node } = await memoryNode({ readers: 1, queryTimeoutMs: 200 })
  let written = 0
  let writing = true
  const writes = (async () => {
    while (writing) {
      await node.submit(request([saveTask(`t${written}`)]), as('p'))
      written++
    }
  })()
  for (let round = 0; round < 3; round++) {
    await expect(node.query(SLEEP, 10, { level: 'weak' })).rejects.toMatchObject({ code: 'deadline_exceeded' })
    await expect.poll(async () => (await node.status()).readers.length, { timeout: 15_000 }).toBe(1)
    const before = written
    const { result } = await node.query(COUNT, 10, { level: 'consistent' })
    expect(number(result.rows[0]![0])).toBeGreaterThanOrEqual(before)
  }
  writing = false
  await writes
  const reader = await node.query({ sql: 'select count(*), max(version) from task', params: [] }, 10, {
    level: 'consistent',
  })
  expect(reader.result.rows[0]!.map(number)).toEqual([written, node.tailLsn])
})

test('reads that stood behind a runaway query are given to the next reader', async () => {
  const { node } = await memoryNode({ readers: 1, queryTimeoutMs: 400 })
  await node.submit(request([saveTask('t')]), as('p'))
  const runaway = node.query(SLEEP, 10, { level: 'weak' }).catch((error) => error.code)
  const behind = await Promise.all(Array.from({ length: 20 }, () => tasks(node)))
  expect(behind).toEqual(Array.from({ length: 20 }, () => 1))
  expect(await runaway).toBe('deadline_exceeded')
})

test('every reader gets every step, in order', async () => {
  const { node } = await memoryNode({ readers: 2 })
  for (let index = 0; index < 30; index++) await node.submit(request([saveTask(`t${index}`)]), as('p'))
  const answers = await Promise.all(Array.from({ length: 16 }, () => tasks(node)))
  expect(new Set(answers)).toEqual(new Set([30]))
  expect((await node.status()).readers.map((reader) => reader.appliedLsn)).toEqual([30, 30])
})

test('a node serves while its readers are on their way, and they miss nothing of what is written meanwhile', async () => {
  const { node: first, table, bodies } = await memoryNode()
  for (let index = 0; index < 30; index++) await first.submit(request([saveTask(`t${index}`)]), as('p'))
  await first.close()

  const { node } = await memoryNode({ table, bodies, readers: 2, joined: false })
  expect((await node.status()).readers).toEqual([])
  expect(await tasks(node)).toBe(30)
  // What only a reader may run waits for one.
  const query = node.query(COUNT, 10, { level: 'consistent' })
  for (let index = 30; index < 40; index++) await node.submit(request([saveTask(`t${index}`)]), as('p'))
  expect(number((await query).result.rows[0]![0])).toBeGreaterThanOrEqual(30)

  await expect.poll(async () => (await node.status()).readers.length, { timeout: 15_000 }).toBe(2)
  await node.submit(request([saveTask('t40')]), as('p'))
  const answers = await Promise.all(Array.from({ length: 16 }, () => tasks(node)))
  expect(new Set(answers)).toEqual(new Set([41]))
  await expect.poll(async () => (await node.status()).readers.map(({ appliedLsn }) => appliedLsn)).toEqual([41, 41])
})

test('a node that is closed while its readers are on their way ends them', async () => {
  const logger = new RecordingLogger()
  const { node } = await memoryNode({ readers: 2, joined: false, logger })
  await node.close()
  expect(threads()).toBe(0)
  expect(logger.lines.filter(({ message }) => message.startsWith('a reader'))).toEqual([])
})

test('a node without readers says that SQL needs one', async () => {
  const { node } = await memoryNode({ readers: 0 })
  await expect(node.query(COUNT, 10, { level: 'weak' })).rejects.toMatchObject({ code: 'not_available', status: 501 })
})
