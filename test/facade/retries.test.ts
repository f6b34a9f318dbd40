import { expect, test } from 'vitest'
import { BorealError, isBorealError } from '../../lib/index.ts'
import { quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { taskIn } from '../support/task-store.ts'

/** What is tried again, and for how long. */

describeStorages('runs', ({ storage, api, over }) => {
  const disturb = (role: string, value: number) =>
    api.transact([{ op: 'saveQuota', role, quota: quota(value) }]).then(({ status }) => expect(status).toBe(200))

  test('are bounded: a closure that always meets others is given up, and says so', async () => {
    let runs = 0
    const impatient = over(() => ({}), { attempts: 4 })
    const hopeless = impatient.write(async ({ quotas }) => {
      await quotas.get('hopeless')
      await disturb('hopeless', ++runs)
      quotas.save('hopeless', quota(0))
    })
    const error = await hopeless.catch((each: unknown) => each)
    expect(isBorealError(error, 'precondition_failed') && error.message).toMatch(/each of 4 runs/)
    expect((error as BorealError).failed).toHaveLength(1)
    expect([runs, (await api.get('/v1/quotas/hopeless')).body.quota]).toEqual([4, quota(4)])
  })

  test('each has a key of its own, which stays while its outcome is open', async () => {
    const keys: string[] = []
    const watched = over((transport) => ({
      submit: (transaction, options) => {
        keys.push(options.key)
        return transport.submit(transaction, options)
      },
    }))
    await watched.write(async ({ quotas }) => {
      await quotas.get('keys')
      if (keys.length === 0) await disturb('keys', 1)
      quotas.save('keys', quota(2))
    })
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(2)
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  })

  test('a closure that only reads, or that writes nothing, commits nothing', async () => {
    const lsn = (await api.state()).lsn
    const silent = over(() => ({ submit: () => Promise.reject(new Error('nothing to submit')) }))
    await silent.write(({ quotas }) => quotas.get('nothing'))
    await silent.write(async ({ tasks }) => tasks.mutate('nobody', (task) => task))
    await silent.consistentRead(({ quotas }) => quotas.list())
    expect((await api.state()).lsn).toBe(lsn)
  })

  test('reasons go to the log', async () => {
    await storage.write(({ quotas }) => quotas.save('why', quota(1)), { reason: 'a test' })
    const { body } = await api.get('/v1/log?after=0&limit=1000')
    const reasons = body.items.flatMap((entry: { transactions: { reason?: string }[] }) =>
      entry.transactions.map(({ reason }) => reason),
    )
    expect(reasons).toContain('a test')
  })

  test('other failures are not repeated, and come as they are', async () => {
    let runs = 0
    const failing = over(() => ({ submit: () => Promise.reject(new BorealError('store_full', 'full')) }))
    const write = failing.write(({ quotas }) => {
      runs++
      quotas.save('full', quota(1))
    })
    await expect(write).rejects.toThrow('full')
    expect(runs).toBe(1)
  })

  test('of a storage that is closed are refused, and closing twice is harmless', async () => {
    let closings = 0
    const closing = over(() => ({ close: async () => void closings++ }))
    await closing.close()
    await closing.close()
    await expect(closing.consistentRead(({ quotas }) => quotas.list())).rejects.toThrow(/closed/)
    expect(closings).toBe(1)
  })

  test('answers that are too large together are asked for in parts', async () => {
    const message = 'é'.repeat(750_000)
    const large = (id: string) =>
      taskIn('large', id, { taskEvents: [{ timestamp: 1, status: 'LOST' as const, message }] })
    for (const id of ['large-1', 'large-2', 'large-3', 'large-4']) {
      expect((await api.transact([{ op: 'saveTasks', tasks: [large(id)] }])).status).toBe(200)
    }
    await storage.consistentRead(async ({ tasks }) => {
      const found = await Promise.all(['large-1', 'large-2', 'large-3', 'large-4'].map((id) => tasks.get(id)))
      expect(found.map((task) => task?.taskEvents[0]?.message?.length)).toEqual([750_000, 750_000, 750_000, 750_000])
      expect(await tasks.fetch({ role: 'large' })).toHaveLength(4)
    })
  })
})
