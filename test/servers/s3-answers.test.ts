import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { isBorealError } from '../../lib/model/errors.ts'
import { S3Objects } from '../../lib/objects/s3-objects.ts'
import { bytesOf, preconditionFailed, textOf } from '../objects/object-values.ts'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { VERSITYGW } from '../support/servers.ts'
import { createBucket, startVersitygw } from './s3-bucket.ts'
import { describeOnServer } from './server.ts'

/** Short, so that a test need not wait until a silent server is given up. */
const SILENCE_MS = 300

describeOnServer(VERSITYGW, (program) => {
  let endpoint: string
  beforeAll(async () => {
    const server = await startVersitygw(program)
    endpoint = server.url
    return server.stop
  })

  /** A bucket, one way to it through a proxy and one past it. */
  async function open() {
    const bucket = await createBucket(endpoint)
    const proxy = await FaultProxy.start(endpoint)
    const store = new S3Objects({ bucket, endpoint: proxy.url, silenceMs: SILENCE_MS })
    /** Applies a fault to the n-th request of a method. */
    const fail = (method: string, fault: Fault, nth = 1) => {
      let count = 0
      proxy.use((operation) => (operation.startsWith(`${method} `) && ++count === nth ? fault : undefined))
    }
    const sent = (method: string) => proxy.seen.filter((operation) => operation.startsWith(`${method} `)).length
    return { proxy, store, direct: new S3Objects({ bucket, endpoint }), fail, sent }
  }

  describe('S3Objects, when an answer is lost after the put was applied', () => {
    const losses: [string, Fault][] = [
      ['the connection breaks', { kind: 'lose-answer' }],
      ['the answer comes too late', { kind: 'delay-answer', ms: 60_000 }],
    ]

    it.each(losses)('calls a put if absent a success: %s', async (_, fault) => {
      const { store, direct, fail, sent } = await open()
      fail('PUT', fault)
      const info = await store.put('k', bytesOf('ours'), { ifAbsent: true })
      expect(sent('PUT')).toBe(2)
      expect(await direct.head('k')).toEqual(info)
      expect(textOf(await direct.get('k'))).toBe('ours')
    })

    it.each(losses)('calls a put if match a success: %s', async (_, fault) => {
      const { store, direct, fail, sent } = await open()
      const { etag } = await store.put('k', bytesOf('old'))
      fail('PUT', fault)
      const info = await store.put('k', bytesOf('ours'), { ifMatch: etag })
      expect(sent('PUT')).toBe(3)
      expect(info.etag).not.toBe(etag)
      expect(await direct.head('k')).toEqual(info)
      expect(textOf(await direct.get('k'))).toBe('ours')
    })

    it('knows its own object from one of the same bytes', async () => {
      const { store, direct } = await open()
      await direct.put('k', bytesOf('the same'))
      await expect(store.put('k', bytesOf('the same'), { ifAbsent: true })).rejects.toEqual(preconditionFailed)
    })

    it('does everything else again', async () => {
      const { store, direct, fail } = await open()
      fail('PUT', { kind: 'lose-answer' })
      await store.put('a', bytesOf('x'))
      fail('PUT', { kind: 'lose-answer' })
      await store.copy('a', 'b')
      fail('GET', { kind: 'lose-answer' })
      expect(textOf(await store.get('b'))).toBe('x')
      fail('GET', { kind: 'lose-answer' })
      expect((await store.list('')).objects).toHaveLength(2)
      fail('HEAD', { kind: 'lose-answer' })
      expect(await store.head('a')).toEqual(await direct.head('a'))
      fail('DELETE', { kind: 'lose-answer' })
      await store.delete('a')
      expect(await direct.head('a')).toBeUndefined()
    })
  })

  describe('S3Objects, when a request is lost', () => {
    it('puts if absent by sending it again', async () => {
      const { store, direct, fail, sent } = await open()
      fail('PUT', { kind: 'lose-request' })
      await store.put('k', bytesOf('ours'), { ifAbsent: true })
      expect(sent('PUT')).toBe(2)
      expect(textOf(await direct.get('k'))).toBe('ours')
    })

    it.each(['ifAbsent', 'ifMatch'] as const)(
      'says that the condition failed when another was first: %s',
      async (kind) => {
        const { proxy, store, direct, sent } = await open()
        const condition =
          kind === 'ifAbsent' ? { ifAbsent: true } : { ifMatch: (await direct.put('k', bytesOf('old'))).etag }
        let puts = 0
        proxy.use((operation) => {
          if (!operation.startsWith('PUT ')) return undefined
          return ++puts === 1 ? { kind: 'lose-request' } : { kind: 'delay', ms: SILENCE_MS / 2 }
        })
        const outcome = store.put('k', bytesOf('ours'), condition).catch((error: unknown) => error)
        await vi.waitUntil(() => puts > 0, { interval: 1 })
        await direct.put('k', bytesOf('theirs'), condition)
        expect(await outcome).toEqual(preconditionFailed)
        expect(sent('PUT')).toBe(2)
        expect(textOf(await direct.get('k'))).toBe('theirs')
      },
    )

    it('is not harmed when it is delivered late, after it was sent again', async () => {
      const { proxy, store, direct, fail } = await open()
      fail('PUT', { kind: 'deliver-late', afterMs: 400 })
      const first = await store.put('k', bytesOf('first'), { ifAbsent: true })
      await direct.put('k', bytesOf('second'), { ifMatch: first.etag })
      await vi.waitUntil(() => proxy.answered.filter((operation) => operation.startsWith('PUT ')).length === 2)
      expect(textOf(await direct.get('k'))).toBe('second')
    })
  })

  describe('S3Objects, when the server cannot serve', () => {
    it('gives a silent server up', async () => {
      const { proxy, store } = await open()
      proxy.use(() => ({ kind: 'delay-answer', ms: 60_000 }))
      const outcome = store.get('k').catch((error: unknown) => error)
      expect(await Promise.race([outcome, delay(10_000, 'still waiting')])).toBeInstanceOf(Error)
    })

    it('takes two conditional writes that met for a failed condition, and nothing else', async () => {
      const { proxy, store } = await open()
      const body = '<Error><Code>ConditionalRequestConflict</Code></Error>'
      const conflict: Fault = { kind: 'answer', status: 409, body }
      proxy.use((operation) => (operation.startsWith('PUT ') ? conflict : undefined))
      await expect(store.put('k', bytesOf('x'), { ifAbsent: true })).rejects.toEqual(preconditionFailed)
      await expect(store.put('k', bytesOf('x'), { ifMatch: '"x"' })).rejects.toEqual(preconditionFailed)
      expect(isBorealError(await errorOf(store.put('k', bytesOf('x'))))).toBe(false)
    })

    it('does not take a bucket that is missing for an object that is', async () => {
      const store = new S3Objects({ bucket: 'no-such-bucket', endpoint })
      for (const call of [
        () => store.get('k'),
        () => store.list(''),
        () => store.put('k', bytesOf('x'), { ifMatch: '"x"' }),
        () => store.copy('a', 'b'),
      ])
        expect(await errorOf(call())).toMatchObject({ name: 'NoSuchBucket' })
    })
  })
})

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}
