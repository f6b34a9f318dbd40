import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { MutableStores, Quota } from '../../lib/index.ts'
import { host, quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { configIn, taskIn } from '../support/task-store.ts'

/** A closure sees one state, and what it did not find counts as seen. */

const cpus = (of: Quota | undefined) => of?.resources.find((each) => each.numCpus !== undefined)?.numCpus ?? 0

describeStorages('one state', ({ storage, api, transport, over }) => {
  const save = (role: string, value: number) =>
    api.transact([{ op: 'saveQuota', role, quota: quota(value) }]).then(({ body }) => body.lsn as number)

  test('a closure that reads sees one state, however long it takes', async () => {
    let writing = true
    const write = async () => {
      for (let round = 0; writing; round++) {
        const operations = [
          { op: 'saveQuota', role: 'sum-a', quota: quota(round % 50) },
          { op: 'saveQuota', role: 'sum-b', quota: quota(50 - (round % 50)) },
        ]
        expect((await api.transact(operations)).status).toBe(200)
        await delay(30)
      }
    }
    await Promise.all([save('sum-a', 0), save('sum-b', 50)])
    const written = write()
    let runs = 0
    for (let round = 0; round < 30; round++) {
      const sum = await storage.consistentRead(async ({ quotas }) => {
        runs++
        const left = cpus(await quotas.get('sum-a'))
        await delay(Math.random() * 15)
        const right = cpus(await quotas.get('sum-b'))
        expect(left + right).toBe(50)
        return left + right
      })
      expect(sum).toBe(50)
    }
    writing = false
    await written
    // A reader that lags shows all of a run the same older state.
    expect(runs).toBeGreaterThanOrEqual(30)
  })

  test('a run that met others is run again from the start, and its result is that of the last run', async () => {
    await save('again-a', 1)
    const seen: number[] = []
    const result = await storage.consistentRead(async ({ quotas }) => {
      const first = cpus(await quotas.get('again-a'))
      seen.push(first)
      if (seen.length === 1) {
        await api.transact(['again-a', 'again-b'].map((role) => ({ op: 'saveQuota', role, quota: quota(2) })))
        // Whoever asks for it has it from now on; a reader may otherwise be a little behind, and still show one state.
        await transport.read({
          paths: ['/v1/roles'],
          preconditions: [],
          operations: [],
          consistency: { level: 'consistent' },
        })
      }
      return [first, cpus(await quotas.get('again-b'))]
    })
    expect([seen, result]).toEqual([
      [1, 2],
      [2, 2],
    ])
  })

  test('a conflict cannot be caught away', async () => {
    await save('caught', 1)
    let runs = 0
    await storage.write(async ({ quotas }) => {
      const now = cpus(await quotas.get('caught'))
      if (++runs === 1) await save('caught', 5)
      await quotas.get('other').catch(() => undefined)
      quotas.save('caught', quota(now + 1))
    })
    expect([runs, (await api.get('/v1/quotas/caught')).body.quota]).toEqual([2, quota(6)])
  })

  type Look = (stores: MutableStores, role: string) => Promise<number>
  const LOOKS: [string, Look][] = [
    ['a task', async ({ tasks }, role) => ((await tasks.get(`${role}-x`)) ? 1 : 0)],
    ['tasks by id', async ({ tasks }, role) => (await tasks.fetch({ taskIds: [`${role}-x`, `${role}-y`] })).length],
    ['tasks of a role', async ({ tasks }, role) => (await tasks.fetch({ role })).length],
    [
      'tasks of a job',
      async ({ tasks }, role) => (await tasks.fetch({ role, environment: 'prod', jobName: 'hello' })).length,
    ],
    [
      'tasks by job key',
      async ({ tasks }, role) =>
        (await tasks.fetch({ jobKeys: [{ role, environment: 'prod', name: 'hello' }] })).length,
    ],
    ['tasks on a host', async ({ tasks }, role) => (await tasks.fetch({ slaveHosts: [`${role}-h`] })).length],
    [
      'tasks by status',
      async ({ tasks }, role) =>
        (await tasks.fetch({ statuses: ['PENDING'] })).filter((task) => task.assignedTask.task.job.role === role)
          .length,
    ],
    ['job keys', async ({ tasks }, role) => (await tasks.jobKeys()).filter((key) => key.role === role).length],
    ['a job', async ({ jobs }, role) => ((await jobs.get({ role, environment: 'prod', name: 'hello' })) ? 1 : 0)],
    ['jobs of a role', async ({ jobs }, role) => (await jobs.list({ role })).length],
    ['a role', async ({ roles }, role) => ((await roles.get(role)) ? 1 : 0)],
    ['roles', async ({ roles }, role) => (await roles.list()).filter((found) => found.role === role).length],
  ]

  test.each(LOOKS)('nobody can come in between looking for %s and acting on not finding it', async (what, look) => {
    const role = `phantom-${what.replaceAll(' ', '-')}`
    const claim = (index: number) =>
      storage.write(async (stores) => {
        if ((await look(stores, role)) > 0) return false
        const instanceId = index
        stores.tasks.save([
          taskIn(role, `${role}-${what === 'a task' ? 'x' : 'xy'[index % 2]}`, { instanceId, slaveHost: `${role}-h` }),
        ])
        return true
      })
    const claimed = await Promise.all([0, 1, 2, 3].map(claim))
    expect(claimed.filter((each) => each)).toHaveLength(1)
  })

  test('writes that move tasks count as having looked at them', async () => {
    await storage.write(({ tasks }) => tasks.save([taskIn('move-a', 'move-1')]))
    const lists: string[][] = []
    let runs = 0
    await storage.write(async ({ tasks, quotas }) => {
      tasks.mutateMany({ role: 'move-a' }, { task: configIn('move-b') })
      lists.push((await tasks.fetch({ role: 'move-b' })).map((task) => task.assignedTask.taskId))
      if (++runs === 1) {
        const { status } = await api.transact([{ op: 'saveTasks', tasks: [taskIn('move-a', 'move-2')] }])
        expect(status).toBe(200)
      }
      quotas.save('move-b', quota(lists.at(-1)!.length))
    })
    expect(lists).toEqual([['move-1'], ['move-1', 'move-2']])

    runs = 0
    await storage.write(async ({ tasks }) => {
      tasks.mutateMany({ taskIds: ['move-1'] }, { slaveHost: 'move-h' })
      const [found] = await tasks.fetch({ slaveHosts: ['move-h'] })
      if (++runs === 1)
        await api.transact([{ op: 'mutateTasks', query: { taskIds: ['move-1'] }, patch: { status: 'LOST' } }])
      tasks.save([taskIn('move-c', 'move-3', { status: found!.status })])
    })
    expect([runs, (await api.get('/v1/tasks/move-3')).body.status]).toEqual([2, 'LOST'])
  })

  test('more reads than a request takes preconditions for', async () => {
    const ids = Array.from({ length: 600 }, (_, index) => `wide-${String(index).padStart(3, '0')}`)
    const wide = ids.map((id, index) =>
      taskIn(`wide-${index % 3}`, id, { task: configIn(`wide-${index % 3}`, `job-${index % 40}`) }),
    )
    await storage.write(({ tasks }) => tasks.save(wide))
    let [most, requests] = [0, 0]
    const watched = over((inner) => ({
      read: (request) => {
        most = Math.max(most, request.preconditions.length)
        requests++
        return inner.read(request)
      },
    }))
    let runs = 0
    await watched.write(async ({ tasks, quotas, hosts }) => {
      runs++
      const [together, alone] = [ids.slice(0, 300), ids.slice(300)]
      const found = await Promise.all(together.map((id) => tasks.get(id)))
      for (const id of alone) found.push(await tasks.get(id))
      expect(found.filter((task) => task !== undefined)).toHaveLength(600)
      await Promise.all(ids.map((id) => hosts.get(id)))
      // Before anything else of these jobs may be changed without notice, the closure notices.
      if (runs === 1)
        await api.transact([{ op: 'mutateTasks', query: { taskIds: [ids[7]] }, patch: { failureCount: 1 } }])
      quotas.save('wide', quota(found[7]!.failureCount))
    })
    expect([runs, (await api.get('/v1/quotas/wide')).body.quota]).toEqual([2, quota(1)])
    expect(most).toBeLessThanOrEqual(500)
    expect(requests).toBeLessThan(2 * (3 + 300 + 6) + 5)
  }, 60_000)

  test('lists are read to their end, as one state', async () => {
    const hosts = Array.from({ length: 1_234 }, (_, index) => host(`page-${String(index).padStart(4, '0')}`))
    await api.transact(hosts.map((hostAttributes) => ({ op: 'saveHostAttributes', hostAttributes })))
    const found = await storage.consistentRead((stores) => stores.hosts.list())
    expect(found.map((each) => each.host).filter((name) => name.startsWith('page-'))).toEqual(
      hosts.map((each) => each.host),
    )
    const drained = await storage.consistentRead((stores) => stores.hosts.list({ mode: 'DRAINED' }))
    expect(drained).toEqual([])
  })

  test('a query with more values than a path takes', async () => {
    const ids = Array.from({ length: 1_500 }, (_, index) => `long-${'x'.repeat(60)}-${String(index).padStart(4, '0')}`)
    await storage.write(({ tasks }) =>
      tasks.save(ids.slice(0, 1_200).map((id) => taskIn('long', id, { slaveHost: `on-${id}` }))),
    )
    await storage.consistentRead(async ({ tasks }) => {
      const byId = await tasks.fetch({ taskIds: ids })
      expect(byId.map((task) => task.assignedTask.taskId)).toEqual(ids.slice(0, 1_200))
      const byHost = await tasks.fetch({ slaveHosts: [...ids, ...ids].map((id) => `on-${id}`) })
      expect(byHost).toEqual(byId)
    })
  }, 60_000)

  test('a consistent closure shows what was acknowledged before, a weak one some state', async () => {
    const levels: unknown[] = []
    const watched = over((inner) => ({
      read: (request) => {
        levels.push(request.consistency)
        return inner.read(request)
      },
    }))
    for (let round = 1; round <= 5; round++) {
      const lsn = await save('levels', round)
      levels.length = 0
      const read = async ({ quotas }: { quotas: MutableStores['quotas'] }) => {
        const first = cpus(await quotas.get('levels'))
        await quotas.get('others')
        return first
      }
      expect(await watched.consistentRead((stores) => read(stores as MutableStores))).toBe(round)
      expect(levels).toEqual([{ level: 'consistent' }, { level: 'minLsn', lsn }])
      levels.length = 0
      const weak = await watched.weaklyConsistentRead((stores) => read(stores as MutableStores))
      expect(weak).toBeGreaterThanOrEqual(0)
      expect(weak).toBeLessThanOrEqual(round)
      expect(levels[0]).toEqual({ level: 'weak' })
    }
  })

  test('reads of one turn travel together', async () => {
    let requests = 0
    const watched = over((inner) => ({
      read: (request) => {
        requests++
        return inner.read(request)
      },
    }))
    await watched.consistentRead(async ({ quotas, tasks, hosts, roles }) => {
      await Promise.all([quotas.get('a'), quotas.list(), tasks.fetch({ role: 'a' }), hosts.get('a'), roles.get('a')])
      expect(requests).toBe(1)
      await Promise.all([1, 2].map(async () => (await quotas.get('a')) ?? quotas.get('b')))
      expect(requests).toBe(3)
    })
  })
})
