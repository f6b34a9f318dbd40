import fc from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { jobUpdateKeyText } from '../../lib/model/job-update.ts'
import { jobUpdateByKey } from '../../lib/store/job-updates.ts'
import { singleRecord } from '../../lib/store/read.ts'
import { JobUpdateStore, keyIn, pathOf } from '../support/job-update-store.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { serveNode } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Details of updates are put together once a version and kept as text. Nobody may notice, except by the time it takes. */

/** Every update that random transactions are about. */
const RANDOM_KEYS = ['a', 'b'].flatMap((role) =>
  ['x', 'y'].flatMap((name) => ['u1', 'u2'].map((id) => keyIn(role, id, name))),
)

const ofUpdates = randomTransaction.filter(({ operations }) => operations.some(({ op }) => op.includes('Update')))

describe.each([0, 1])('with %d readers', async (readers) => {
  const { node } = await memoryNode({ readers, cleanup: afterAll })
  const api = await serveNode(node, afterAll)
  const store = new JobUpdateStore(api)

  /** The record as the store puts it together now. */
  const storedText = async (key: ReturnType<typeof keyIn>) => {
    const { results } = await node.read([jobUpdateByKey(jobUpdateKeyText(key))], { level: 'consistent' })
    return singleRecord(results[0])
  }

  test('an answer is what the store holds, whatever was read before; a version never says two things', async () => {
    const said = new Map<string, string>()
    const samples = fc.sample(fc.tuple(ofUpdates, fc.subarray(RANDOM_KEYS)), { numRuns: 250, seed: 12 })
    let found = 0
    for (const [transaction, keys] of samples) {
      await node.submit(transaction, { principal: 'p' }).catch(() => undefined)
      for (const key of keys) {
        const text = await storedText(key)
        const { status, body } = await api.get(pathOf(key))
        expect(status).toBe(text === undefined ? 404 : 200)
        if (text === undefined) continue
        found++
        expect(body).toEqual(JSON.parse(text))
        const version = `${pathOf(key)} ${body.version}`
        expect(said.get(version) ?? text).toBe(text)
        said.set(version, text)
      }
    }
    expect(said.size).toBeGreaterThan(50)
    expect(found).toBeGreaterThan(2 * said.size)
  })

  test('what was read before is not put together again until something changes', async () => {
    const key = keyIn('kept')
    await store.save(update(key))
    const read = vi.spyOn(node, 'read')
    const putTogether = async () => {
      read.mockClear()
      await store.fetch(key)
      return (await read.mock.results.at(-1)!.value).results[0].rows[0][1] !== null
    }
    expect(await putTogether()).toBe(true)
    expect(await putTogether()).toBe(false)
    await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATING', 1))
    expect(await putTogether()).toBe(true)
    await store.addEvents(key, updateEvent('ABORTED', 2))
    expect(await putTogether()).toBe(true)
    expect(await putTogether()).toBe(false)
    read.mockRestore()
  })

  test('an update that was removed and saved again is the new one, also in one transaction', async () => {
    const key = keyIn('again')
    await store.save(update(key))
    await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATING', 1))
    expect((await store.fetch(key)).instanceEvents).toHaveLength(1)
    await store.remove(key)
    expect((await store.get(key)).status).toBe(404)
    await store.save(update(key, { user: 'bob' }))
    expect(await store.fetch(key)).toMatchObject({ update: { summary: { user: 'bob' } }, instanceEvents: [] })
    await api.transact([
      { op: 'removeJobUpdates', keys: [key] },
      { op: 'saveJobUpdate', jobUpdate: update(key, { user: 'cid' }) },
    ])
    expect((await store.fetch(key)).update.summary.user).toBe('cid')
  })

  test('those who ask at once share reads, and each gets what he asked for, with all that was acknowledged', async () => {
    const keys = [keyIn('busy'), keyIn('quiet')]
    for (const key of keys) await store.save(update(key))
    const read = vi.spyOn(node, 'read')
    const ask = async () => {
      const five = (path: string) => Array.from({ length: 5 }, () => api.get(path))
      const answers = await Promise.all([...keys.map(pathOf).flatMap(five), ...five(`${pathOf(keys[0]!)}?asOfLsn=0`)])
      const told = answers.map(({ status, body }) =>
        status === 200 ? `${body.update.summary.key.job.role} ${body.instanceEvents.length}` : String(status),
      )
      return [told.slice(0, 5), told.slice(5, 10), told.slice(10)].map((asked) => [...new Set(asked)].sort())
    }
    const [, , past] = await ask()
    expect(past).toEqual([expect.stringMatching(/^[45]..$/)])
    for (let events = 1; events <= 5; events++) {
      const before = ask()
      await store.addInstanceEvents(keys[0]!, instanceEvent(0, 'INSTANCE_UPDATING', events))
      expect(await ask()).toEqual([[`busy ${events}`], ['quiet 0'], past])
      const [busy, quiet] = await before
      for (const told of busy!) expect([`busy ${events - 1}`, `busy ${events}`]).toContain(told)
      expect(quiet).toEqual(['quiet 0'])
    }
    const requests = 11 * 15
    expect(read.mock.calls.length).toBeLessThan(requests)
    read.mockRestore()
  })

  test('what was read behind operations is not taken for what came in their place', async () => {
    const key = keyIn('behind')
    const version = await store.save(update(key))
    await store.fetch(key)
    const behind = async (action: string) => {
      const operations = [{ op: 'saveJobInstanceUpdateEvent', key, event: instanceEvent(0, action as never, 1) }]
      const { body } = await api.send('POST', '/v1/reads', { reads: [{ path: pathOf(key) }], operations })
      return body.answers[0].body
    }
    expect(await behind('INSTANCE_ROLLING_BACK')).toMatchObject({ version: version + 1 })
    await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATED', 1))
    const { instanceEvents, version: committed } = await store.fetch(key)
    expect([committed, instanceEvents[0].action]).toEqual([version + 1, 'INSTANCE_UPDATED'])
  })

  test('a read behind operations is not answered with what another reader, one entry ahead, has given', async () => {
    const key = keyIn('ahead')
    const version = await store.save(update(key))
    await store.fetch(key)
    const keep = vi.spyOn(node.records, 'get').mockReturnValue({
      version: version + 1,
      bytes: Buffer.from('"of the reader ahead"'),
    })
    const operations = [{ op: 'saveJobUpdateEvent', key, event: updateEvent('ABORTED', 2) }]
    const { body } = await api.send('POST', '/v1/reads', { reads: [{ path: pathOf(key) }], operations })
    keep.mockRestore()
    expect(body.answers[0].body).toMatchObject({ version: version + 1, updateEvents: [{ status: 'ABORTED' }] })
  })
})
