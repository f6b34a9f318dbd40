import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { BUNDLE, bundleIfStale, filesBelow } from '../../bin/bundle.mjs'
import { bundleSize } from '../../bin/bundle-size.mjs'
import { keyIn, pathOf } from '../support/job-update-store.ts'
import { quota } from '../support/records.ts'
import { update } from '../support/update-records.ts'
import { describeOnLambda, Environment } from './environment.ts'
import { place } from './place.ts'

/** The API function as it is uploaded, in environments as Lambda makes them. */

const MB = 1024 * 1024

/** How long an environment is frozen. */
const FREEZE_S = Number(process.env.BOREAL_FREEZE_SECONDS ?? '60')

beforeAll(() => bundleIfStale(), 120_000)

const save = (role: string) => ({ operations: [{ op: 'saveQuota', role, quota: quota(1) }] })

test('the bundle is at most 20 MB zipped, and far from what Lambda unpacks', async () => {
  const { bytes, zipped } = await bundleSize(BUNDLE)
  console.log(`the bundle: ${(bytes / MB).toFixed(1)} MB, zipped ${(zipped / MB).toFixed(1)} MB`)
  expect(zipped).toBeLessThan(20 * MB)
  expect(bytes).toBeLessThan(100 * MB)
})

describeOnLambda('the API function', () => {
  test('starts by itself, from the base image that it has, and serves many invocations', async () => {
    const images = (await filesBelow(BUNDLE)).filter((file) => file.startsWith('base/'))
    expect(images).toHaveLength(1)
    const environment = await Environment.start('api', await place())
    for (let n = 1; n <= 200; n++) {
      const { status, body } = await environment.request('POST', '/v1/transactions', save(`role-${n}`))
      expect([status, body.lsn]).toEqual([200, n])
    }
    // Another image would mean that it looked for one with another name, and a cold start would run initdb.
    expect((await filesBelow(BUNDLE)).filter((file) => file.startsWith('base/'))).toEqual(images)
    const { peakMb } = environment.used()
    console.log(`the API function: ${peakMb} MB after 200 invocations`)
    // The least that a deployment can give it.
    expect(peakMb).toBeLessThan(1_024)
  })

  test('gives a large record as the text that API Gateway takes, also the second time', async () => {
    const environment = await Environment.start('api', await place())
    const key = keyIn('www')
    const saved = { operations: [{ op: 'saveJobUpdate', jobUpdate: update(key) }] }
    expect((await environment.request('POST', '/v1/transactions', saved)).status).toBe(200)
    const first = await environment.request('GET', pathOf(key))
    expect(first).toMatchObject({ status: 200, body: { update: { summary: { key } }, version: 1 } })
    expect(await environment.request('GET', pathOf(key))).toEqual(first)
  })

  test('frozen and thawed it reads what others wrote meanwhile, goes on writing, and knows its keys', async () => {
    const at = await place()
    const [one, other] = await Promise.all([Environment.start('api', at), Environment.start('api', at)])
    expect((await one.request('POST', '/v1/transactions', save('first'), 'first')).status).toBe(200)
    one.freeze()
    for (const role of ['meanwhile', 'and-more']) {
      expect((await other.request('POST', '/v1/transactions', save(role))).status).toBe(200)
    }
    await delay(FREEZE_S * 1_000)
    one.thaw()
    expect(await one.request('GET', '/v1/quotas/and-more')).toMatchObject({ status: 200, body: { version: 3 } })
    const retry = await one.request('POST', '/v1/transactions', save('first'), 'first')
    expect(retry).toMatchObject({ status: 200, body: { lsn: 1 } })
    const written = await one.request('POST', '/v1/transactions', save('thawed'))
    expect(written).toMatchObject({ status: 200, body: { lsn: 4 } })
    expect(await other.request('GET', '/v1/quotas/thawed')).toMatchObject({ status: 200, body: { version: 4 } })
  }, 600_000)

  test('frozen in the middle of a write it has written it once, whoever went on meanwhile', async () => {
    const at = await place()
    const [one, other] = await Promise.all([Environment.start('api', at), Environment.start('api', at)])
    expect((await one.request('POST', '/v1/transactions', save('first'))).status).toBe(200)
    const caught = one.request('POST', '/v1/transactions', save('caught'), 'caught')
    // At any moment: on a busy machine before the append, on an idle one behind it.
    await delay(3)
    one.freeze()
    expect((await other.request('POST', '/v1/transactions', save('meanwhile'))).status).toBe(200)
    one.thaw()
    const answer = await caught
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    const retry = await other.request('POST', '/v1/transactions', save('caught'), 'caught')
    expect([retry.status, retry.body.transactionId]).toEqual([200, answer.body.transactionId])
    const { body } = await other.request('GET', '/v1/log?after=0')
    expect(body.items.map(({ lsn }: { lsn: number }) => lsn)).toEqual([1, 2, 3])
  })

  test('of several environments each is a writer, and nothing is lost or done twice', async () => {
    const at = await place()
    const environments = await Promise.all([1, 2, 3].map(() => Environment.start('api', at)))
    const startedAt = performance.now()
    const lsns = await Promise.all(
      environments.map(async (environment, index) => {
        const found: number[] = []
        for (let n = 0; n < 30; n++) {
          const answer = await environment.request('POST', '/v1/transactions', save(`e${index}-${n}`), `e${index}-${n}`)
          expect(answer.status, JSON.stringify(answer.body)).toBe(200)
          found.push(answer.body.lsn)
        }
        return found
      }),
    )
    const seconds = (performance.now() - startedAt) / 1_000
    console.log(`three environments: ${Math.round(90 / seconds)} writes a second`)
    expect(lsns.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1))
    const listed = await environments[0]!.request('GET', '/v1/quotas?limit=100')
    expect(listed.body.items).toHaveLength(90)
  })
})
