import { expect, onTestFinished, test } from 'vitest'
import type { ApiHandler } from '../../lib/api/handler.ts'
import { serveHttp } from '../../lib/api/http-server.ts'
import { LargeAnswers } from '../../lib/api/large-answers.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'

const READERS = 50

test('many large answers that are ready at once leave a turn of the event loop each', async () => {
  const answers = new LargeAnswers()
  let turn = 0
  /** The turn in which each answer was written. */
  const sentIn: number[] = []
  setImmediate(function next() {
    turn++
    if (sentIn.length < READERS) setImmediate(next)
  })
  const sent = Array.from({ length: READERS }, () => answers.send('page', () => sentIn.push(turn)))
  await Promise.all(sent)
  expect(sentIn).toHaveLength(READERS)
  expect(new Set(sentIn).size).toBe(READERS)
})

/** What is left to others behind each of so many answers that wait at once, ms, if writing one takes so long. */
async function restsBehind(count: number, tookMs: number, kind: 'record' | 'page' = 'record'): Promise<number[]> {
  let now = 0
  const rests: number[] = []
  const sleep = async (ms: number) => void rests.push(ms)
  const answers = new LargeAnswers({ ...systemRuntime, monotonic: () => now, sleep })
  await Promise.all(Array.from({ length: count }, () => answers.send(kind, () => (now += tookMs))))
  return rests
}

test('the more answers wait, the more is left to others behind each; nobody waits behind one alone', async () => {
  expect(await restsBehind(1, 1)).toEqual([])
  expect(await restsBehind(4, 1)).toEqual([3, 2, 1])
  expect(Math.max(...(await restsBehind(200, 1)))).toBe(24)
  expect(Math.max(...(await restsBehind(200, 1, 'page')))).toBe(3)
})

test('an answer that has waited for the processor does not hold up the others for long', async () => {
  expect(Math.max(...(await restsBehind(200, 30)))).toBe(50)
})

test('an answer that cannot be written is the failure of its own reader alone', async () => {
  const answers = new LargeAnswers()
  const failed = answers.send('page', () => {
    throw new Error('gone')
  })
  const sent = answers.send('page', () => undefined)
  await expect(failed).rejects.toThrow('gone')
  await sent
})

test('readers of different large answers get their own, as a whole', async () => {
  const bodyOf = (path: string) => `${path} ü`.repeat(20_000)
  const handler = (async ({ path }: { path: string }) => ({
    statusCode: 200,
    headers: {},
    body: bodyOf(path),
  })) as unknown as ApiHandler
  const server = await serveHttp(handler, { port: 0 })
  onTestFinished(() => server.close())
  const read = async (path: string) => {
    const answer = await fetch(`${server.url}${path}`)
    expect(await answer.text()).toBe(bodyOf(path))
  }
  await Promise.all(Array.from({ length: 20 }, (_, reader) => read(`/${reader % 3}`)))
  const head = await fetch(`${server.url}/1`, { method: 'HEAD' })
  expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(bodyOf('/1'))))
  expect(await head.text()).toBe('')
})
