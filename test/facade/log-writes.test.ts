import { expect, test } from 'vitest'
import { type MutableStores, openStorage } from '../../lib/index.ts'
import type { LoggedTransaction } from '../../lib/log/entry.ts'
import { updateKey, updateOf } from '../support/job-updates.ts'
import { memoryNode } from '../support/memory-node.ts'
import { host, quota } from '../support/records.ts'
import { transactionsOf } from '../support/state.ts'
import { describeBeds, everything } from '../support/store-beds.ts'
import { taskIn } from '../support/task-store.ts'

/** Aurora's tests of its durable storage: what a closure becomes in the log. */

const opsOf = (transactions: LoggedTransaction[]) => transactions.map(({ results }) => results.map(({ op }) => op))
const statuses = (transactions: LoggedTransaction[]) => JSON.stringify(transactions).match(/"status":"[A-Z]+"/g)

describeBeds(['in process', 'over HTTP'], (bed) => {
  const { storage } = bed

  /** The transactions that some work has added to the log. */
  async function logged(work: () => Promise<unknown>): Promise<LoggedTransaction[]> {
    const lsn = bed.node.tailLsn
    await work()
    // Those of clients: a log begins with one of the node's own.
    return (await transactionsOf(bed.node.log, lsn)).filter(({ actor }) => actor !== 'boreal')
  }

  test('nested closures are one transaction with the operations of both [testNestedTransactions]', async () => {
    const transactions = await logged(() =>
      storage.write(async ({ scheduler, tasks }) => {
        scheduler.saveFrameworkId('nested')
        await storage.write((inner) => inner.quotas.save('nested', quota(1)))
        tasks.save([taskIn('nested', 'nested-1')])
      }),
    )
    expect(opsOf(transactions)).toEqual([['saveFrameworkId', 'saveQuota', 'saveTasks']])
  })

  test('a task that is saved and changed is written once, as it is then [testSaveAndMutateTasks]', async () => {
    const transactions = await logged(() =>
      storage.write(async ({ tasks }) => {
        tasks.save([taskIn('both', 'both-1', { taskEvents: [] })])
        await tasks.mutate('both-1', (task) => ({ ...task, status: 'ASSIGNED' }))
        await tasks.mutate('both-1', (task) => ({ ...task, status: 'RUNNING' }))
      }),
    )
    expect(opsOf(transactions)).toEqual([['saveTasks']])
    expect(statuses(transactions)).toEqual(['"status":"RUNNING"'])
    const { status } = (await storage.consistentRead(({ tasks }) => tasks.get('both-1')))!
    expect(status).toBe('RUNNING')
  })

  test('tasks that are saved one by one are one write, each once [testSaveAndMutateTasksNoCoalesceUniqueIds, testCoalesce]', async () => {
    const at = (taskId: string, status: 'PENDING' | 'RUNNING') => taskIn('each', taskId, { status, taskEvents: [] })
    const transactions = await logged(() =>
      storage.write(async ({ tasks }) => {
        tasks.save([at('each-1', 'PENDING'), at('each-2', 'PENDING')])
        tasks.save([at('each-3', 'PENDING')])
        await tasks.mutate('each-2', (task) => ({ ...task, status: 'RUNNING' }))
      }),
    )
    expect(opsOf(transactions)).toEqual([['saveTasks']])
    expect(statuses(transactions)).toEqual(['PENDING', 'RUNNING', 'PENDING'].map((status) => `"status":"${status}"`))
  })

  test('a host that is saved as it is is not written [testSaveHostAttributes]', async () => {
    const save = (mode: 'NONE' | 'DRAINING') =>
      logged(() => storage.write(({ hosts }) => hosts.save(host('saved', { mode }))))
    expect(opsOf(await save('DRAINING'))).toEqual([['saveHostAttributes']])
    expect(await save('DRAINING')).toEqual([])
    expect(opsOf(await save('NONE'))).toEqual([['saveHostAttributes']])
  })

  test('a task that is changed is written whole, one that is left as it is is not [testMutate]', async () => {
    await storage.write(({ tasks }) => tasks.save([taskIn('mutate', 'mutate-1', { taskEvents: [] })]))
    const mutate = (status: 'PENDING' | 'RUNNING') =>
      logged(() => storage.write(({ tasks }) => tasks.mutate('mutate-1', (task) => ({ ...task, status }))))
    const transactions = await mutate('RUNNING')
    expect(opsOf(transactions)).toEqual([['saveTasks']])
    expect(statuses(transactions)).toEqual(['"status":"RUNNING"'])
    expect(await mutate('RUNNING')).toEqual([])
  })

  test('writes of a host follow one another, and none of its fields is lost', async () => {
    await storage.write(async ({ hosts }) => {
      await hosts.save(host('merged', { attributes: [{ name: 'rack', values: ['a'] }] }))
      await hosts.save(
        host('merged', { mode: 'DRAINED', slaveId: 'agent-2', attributes: [{ name: 'rack', values: ['b'] }] }),
      )
    })
    const merged = await storage.consistentRead(({ hosts }) => hosts.get('merged'))
    const expected = host('merged', {
      mode: 'DRAINED',
      slaveId: 'agent-2',
      attributes: [{ name: 'rack', values: ['b'] }],
    })
    expect(merged).toEqual({ ...expected, version: expect.any(Number) })
  })

  const nothing: [string, (stores: MutableStores) => unknown][] = [
    ['writes nothing', () => undefined],
    ['reads alone', ({ quotas, tasks }) => Promise.all([quotas.list(), tasks.fetch()])],
    ['saves no task', ({ tasks }) => tasks.save([])],
    ['leaves a task as it is', ({ tasks }) => tasks.mutate('same-1', (task) => ({ ...task }))],
    ['removes what is not there', ({ quotas, tasks }) => [quotas.remove('nobody'), tasks.remove(['nobody'])]],
    [
      'changes a task that is not there',
      ({ tasks }) => tasks.mutate('nobody', (task) => ({ ...task, status: 'LOST' })),
    ],
  ]
  test.each(nothing)('a closure that %s adds nothing to the log', async (_, work) => {
    await storage.write(async ({ hosts, tasks }) => {
      await hosts.save(host('same'))
      tasks.save([taskIn('same', 'same-1')])
    })
    expect(await logged(() => storage.write(async (stores) => void (await work(stores))))).toEqual([])
  })

  test('a closure that throws adds nothing to the log, whatever it has written', async () => {
    const before = await everything(storage)
    const transactions = await logged(async () => {
      const failed = storage.write(async ({ quotas, tasks, jobUpdates, locks, hosts }) => {
        quotas.save('throws', quota(1))
        tasks.save([taskIn('throws', 'throws-1')])
        tasks.remove({ all: true })
        jobUpdates.save(updateOf(updateKey('throws')))
        locks.save({ key: { job: updateKey('throws').job }, token: 'throws', user: 'ann', timestampMs: 1 })
        await hosts.save(host('throws'))
        throw new Error('changed my mind')
      })
      await expect(failed).rejects.toThrow('changed my mind')
    })
    expect(transactions).toEqual([])
    expect(await everything(storage)).toEqual(before)
  })

  test('a removal of updates is in the log, with their keys [testRemoveUpdates]', async () => {
    const key = updateKey('removed')
    await storage.write(({ jobUpdates }) => jobUpdates.save(updateOf(key)))
    const transactions = await logged(() => storage.write(({ jobUpdates }) => jobUpdates.remove([key])))
    expect(transactions.map(({ results }) => results)).toEqual([[{ op: 'removeJobUpdates', affected: 1, keys: [key] }]])
  })

  test('no store is emptied by saying nothing [testDeleteAllTasks, testDeleteHostAttributes, testDeleteJobs, testDeleteQuotas, testDeleteAllUpdatesAndEvents]', async () => {
    const before = await everything(storage)
    const nothings = [undefined, null, '', [], {}]
    const transactions = await logged(() =>
      storage.write((stores) => {
        for (const [name, store] of Object.entries(stores)) {
          expect(
            Object.keys(store).filter((method) => /delete|clear|removeAll/.test(method)),
            name,
          ).toEqual([])
          if (!('remove' in store)) continue
          for (const nothing of nothings) expect(() => store.remove(nothing), name).toThrow()
        }
      }),
    )
    expect(transactions).toEqual([])
    expect(await everything(storage)).toEqual(before)
  })
})

test('each transaction survives a restart, and the next one is written by whoever has started [testDurability]', async () => {
  const { node: first, ...log } = await memoryNode()
  let [current, written] = [await openStorage(first), first]
  const steps: ((stores: MutableStores) => unknown)[] = [
    ({ quotas }) => quotas.save('durable', quota(1)),
    ({ quotas, tasks }) => {
      quotas.save('durable', quota(2))
      tasks.save([taskIn('durable', 'durable-1')])
    },
    ({ quotas, tasks }) => {
      quotas.remove('durable')
      return tasks.mutate('durable-1', (task) => ({ ...task, status: 'RUNNING' }))
    },
  ]
  for (const step of steps) {
    await current.write(async (stores) => void (await step(stores)))
    const before = await everything(current)
    const { node: next } = await memoryNode(log)
    expect(await next.digest()).toEqual(await written.digest())
    await written.close()
    written = next
    current = await openStorage(next)
    expect(await everything(current)).toEqual(before)
  }
  const [task] = await current.consistentRead(({ tasks }) => tasks.fetch({ role: 'durable' }))
  expect(task?.status).toBe('RUNNING')
})
