import { expect, onTestFinished, test } from 'vitest'
import type { ApiHandler } from '../../lib/api/handler.ts'
import { serveHttp } from '../../lib/api/http-server.ts'
import { LargeAnswers } from '../../lib/api/large-answers.ts'

const READERS = 50
const LARGE = 'x'.repeat(200_000)

test('many large answers that are ready at once leave a turn of the event loop each', async () => {
  const answers = new LargeAnswers()
  let turn = 0
  /** The turn in which each answer was written. */
  const sentIn: number[] = []
  setImmediate(function next() {
    turn++
    if (sentIn.length < READERS) setImmediate(next)
  })
  const sent = Array.from({ length: READERS }, () => answers.send(LARGE, () => sentIn.push(turn)))
  await Promise.all(sent)
  expect(sentIn).toHaveLength(READERS)
  expect(new Set(sentIn).size).toBe(READERS)
})

test('the same text is encoded once for all who wait for it, and not kept for those who come later', async () => {
  const answers = new LargeAnswers()
  const bytes: Buffer[] = []
  const send = (text: string) => answers.send(text, (each) => bytes.push(each))
  await Promise.all([send('ä'), send('ä'), send('ö')])
  await send('ö')
  expect(bytes.map(String)).toEqual(['ä', 'ä', 'ö', 'ö'])
  expect(bytes[1]).toBe(bytes[0])
  expect(bytes[3]).not.toBe(bytes[2])
})

test('an answer that cannot be written is the failure of its own reader alone', async () => {
  const answers = new LargeAnswers()
  const failed = answers.send('a', () => {
    throw new Error('gone')
  })
  const sent = answers.send('b', () => undefined)
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
