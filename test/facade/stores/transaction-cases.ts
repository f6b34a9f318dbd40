import { expect, test } from 'vitest'
import type { MutableStores, Storage } from '../../../lib/index.ts'
import { quota } from '../../support/records.ts'
import { refused } from '../../support/refusal.ts'
import { gate } from '../../support/scripted-log.ts'
import { configIn, taskIn } from '../../support/task-store.ts'

/** Aurora's StorageTransactionTest, as it was when a failed write left nothing (0.18). */
export function transactionCases(storage: Storage): void {
  const failing = async (work: (stores: MutableStores) => unknown) => {
    const failed = storage.write(async (stores) => {
      await work(stores)
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
  }
  const ids = async (role: string) => {
    const found = await storage.consistentRead(({ tasks }) => tasks.fetch({ role }))
    return found.map(({ assignedTask }) => assignedTask.taskId)
  }

  test('a slow read does not hold up another one [testConcurrentReaders]', async () => {
    const { opened, open } = gate()
    let slowEnded = false
    const slow = storage.consistentRead(async ({ quotas }) => {
      await quotas.get('readers')
      await opened
      slowEnded = true
      return 'slow'
    })
    const fast = await storage.consistentRead(async ({ quotas }) => {
      await quotas.get('readers')
      return 'fast'
    })
    await storage.write(({ quotas }) => quotas.save('readers-2', quota(1)))
    expect([fast, slowEnded]).toEqual(['fast', false])
    open()
    expect(await slow).toBe('slow')
  })

  test('a write that fails leaves nothing [testWritesUnderTransaction]', async () => {
    await failing(({ quotas }) => quotas.save('fails', quota(1)))
    expect(await storage.consistentRead(({ quotas }) => quotas.get('fails'))).toBeUndefined()
  })

  test('whatever a failed write has done, or one inside or around it, is undone [testOperations]', async () => {
    const save = (stores: MutableStores, ...which: string[]) =>
      stores.tasks.save(which.map((taskId) => taskIn('undone', taskId)))
    await failing((stores) => save(stores, 'undone-a', 'undone-b'))
    expect(await ids('undone')).toEqual([])
    await storage.write((stores) => save(stores, 'undone-a', 'undone-b'))
    await failing(({ tasks }) => tasks.remove({ all: true }))
    expect(await ids('undone')).toEqual(['undone-a', 'undone-b'])
    await storage.write(({ tasks }) => tasks.remove({ role: 'undone' }))
    await failing((stores) => save(stores, 'undone-a'))
    expect(await ids('undone')).toEqual([])
    await storage.write((stores) => save(stores, 'undone-a'))

    // The inner one fails, whether the outer one catches it or not.
    for (const after of [(error: Error) => Promise.reject(error), () => undefined]) {
      const outer = storage.write(async (stores) => {
        save(stores, 'undone-c')
        await failing((inner) => save(inner, 'undone-d')).then(() => after(new Error('passed on')))
      })
      await expect(outer).rejects.toThrow(/passed on|changed my mind/)
      expect(await ids('undone')).toEqual(['undone-a'])
    }
    // The outer one fails after the inner one has ended well.
    await failing(async (stores) => {
      save(stores, 'undone-c')
      await storage.write((inner) => save(inner, 'undone-d'))
    })
    expect(await ids('undone')).toEqual(['undone-a'])
  })

  test('a write that is refused at its commit leaves nothing in any store [testOperations]', async () => {
    const job = { role: 'refused', environment: 'prod', name: 'hello' }
    const lock = (token: string) => ({ key: { job }, token, user: 'ann', timestampMs: 1 })
    await storage.write(({ locks }) => locks.save(lock('one')))
    const second = storage.write(async ({ quotas, tasks, cronJobs, locks }) => {
      quotas.save('refused', quota(1))
      tasks.save([taskIn('refused', 'refused-1')])
      cronJobs.save({ key: job, taskConfig: configIn('refused') })
      locks.save(lock('two'))
    })
    await expect(second).rejects.toEqual(refused('already_exists'))
    const left = await storage.consistentRead(({ quotas, tasks, cronJobs, locks }) =>
      Promise.all([quotas.get('refused'), tasks.get('refused-1'), cronJobs.get(job), locks.get(job)]),
    )
    expect(left).toEqual([undefined, undefined, undefined, { ...lock('one'), version: expect.any(Number) }])
  })
}
