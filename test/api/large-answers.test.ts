import { expect, onTestFinished, test } from 'vitest'
import type { ApiHandler } from '../../lib/api/handler.ts'
import { serveHttp } from '../../lib/api/http-server.ts'

const READERS = 50
const LARGE = 'x'.repeat(200_000)

test('many large answers that are ready at once leave a turn of the event loop each', async () => {
  let ready!: () => void
  const allReady = new Promise<void>((resolve) => (ready = resolve))
  let asked = 0
  let turn = 0
  /** The turn in which each answer was written. */
  const sentIn: number[] = []
  setImmediate(function next() {
    turn++
    if (sentIn.length < READERS) setImmediate(next)
  })
  const handler = (async () => {
    if (++asked === READERS) ready()
    await allReady
    let looks = 0
    // Looked at for its size, and then to be written.
    const body = () => {
      if (++looks === 2) sentIn.push(turn)
      return LARGE
    }
    return Object.defineProperty({ statusCode: 200, headers: {}, body: '' }, 'body', { get: body })
  }) as unknown as ApiHandler
  const server = await serveHttp(handler, { port: 0 })
  onTestFinished(() => server.close())
  await Promise.all(Array.from({ length: READERS }, () => fetch(server.url).then((answer) => answer.arrayBuffer())))
  expect(sentIn).toHaveLength(READERS)
  expect(new Set(sentIn).size).toBeGreaterThan(READERS / 2)
})
