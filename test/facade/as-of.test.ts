import { expect, test } from 'vitest'
import type { Quota } from '../../lib/index.ts'
import { quota } from '../support/records.ts'
import { refused } from '../support/refusal.ts'
import { describeStorages } from '../support/storages.ts'

/** A closure over an earlier state sees that state, from its first read to its last. */

const cpusOf = (of: Quota | undefined) => of?.resources.find((each) => each.numCpus !== undefined)?.numCpus

describeStorages('an earlier state', ({ storage, api, transport, over }) => {
  const save = (role: string, cpus: number) => storage.write((stores) => stores.quotas.save(role, quota(cpus)))
  const lsnNow = async () => (await api.get('/v1/status')).body.lsn as number

  test('is read by LSN, by time and as a recovery, beside the present one', { timeout: 60_000 }, async () => {
    await save('then', 1)
    const lsn = await lsnNow()
    await save('then', 2)
    const { body: staged } = await api.send('POST', '/v1/recoveries', { target: { lsn } })
    const cpusAt = (at: Parameters<typeof storage.readAsOf>[0]) =>
      storage.readAsOf(at, async ({ quotas }) => cpusOf(await quotas.get('then')))
    expect(await cpusAt(String(lsn))).toBe(1)
    expect(await cpusAt({ lsn })).toBe(1)
    expect(await cpusAt({ lsn: 0 })).toBe(undefined)
    expect(await cpusAt('-0s')).toBe(2)
    expect(await cpusAt({ recoveryId: staged.id })).toBe(1)
    await storage.write(async ({ quotas }) => {
      const before = await storage.readAsOf(`${lsn}`, (past) => past.quotas.get('then'))
      expect(cpusOf(await quotas.get('then'))).toBe(2)
      await quotas.save('then', before!)
    })
    expect(cpusOf(await storage.consistentRead(({ quotas }) => quotas.get('then')))).toBe(1)
  })

  test('a time is one state, also when others write between the reads', async () => {
    await save('one', 1)
    const lsn = await lsnNow()
    const asked: unknown[] = []
    const watched = over(() => ({
      read: async (request) => {
        asked.push(request.consistency)
        return transport.read(request)
      },
    }))
    const seen = await watched.readAsOf('-0s', async ({ quotas }) => {
      const first = cpusOf(await quotas.get('one'))
      await api.transact([{ op: 'saveQuota', role: 'one', quota: quota(2) }])
      await api.transact([{ op: 'saveQuota', role: 'two', quota: quota(2) }])
      return [first, cpusOf(await quotas.get('two'))]
    })
    expect(seen).toEqual([1, undefined])
    expect(asked.at(-1)).toEqual({ level: 'asOf', asOf: { lsn } })
  })

  test('cannot be written to, and must be there', async () => {
    const at = { lsn: await lsnNow() }
    const write = () => storage.readAsOf(at, () => storage.write(({ quotas }) => quotas.save('x', quota(1))))
    await expect(write()).rejects.toThrow(/cannot contain one that writes/)
    const read = (asOf: Parameters<typeof storage.readAsOf>[0]) =>
      storage.readAsOf(asOf, ({ quotas }) => quotas.get('x'))
    await expect(read('yesterday')).rejects.toEqual(refused('invalid_field'))
    await expect(read({ lsn: 999_999 })).rejects.toEqual(refused('invalid_field'))
    await expect(read({ time: 0 })).rejects.toEqual(refused('out_of_retention'))
    await expect(read({ recoveryId: 'nobody' })).rejects.toEqual(refused('not_found'))
  })
})
