import { expect, test } from 'vitest'
import { quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { taskIn } from '../support/task-store.ts'

/** What a closure sees: its own writes, and one state. */

describeStorages('a closure', ({ storage, api }) => {
  test('sees what it has written, by key, in lists and in summaries, and nobody else does before it returns', async () => {
    await storage.write(({ tasks }) => tasks.save([taskIn('own', 'own-1'), taskIn('own', 'own-2')]))
    await storage.write(async (stores) => {
      const { tasks, quotas, jobs, roles } = stores
      expect((await tasks.fetch({ role: 'own' })).map((task) => task.assignedTask.taskId)).toEqual(['own-1', 'own-2'])
      tasks.mutateMany({ taskIds: ['own-1'] }, { status: 'RUNNING', slaveHost: 'own-h' })
      tasks.save([taskIn('own', 'own-3')])
      tasks.remove(['own-2'])
      quotas.save('own', quota(7))
      expect((await tasks.get('own-1'))?.status).toBe('RUNNING')
      expect((await tasks.get('own-3'))?.status).toBe('PENDING')
      expect(await tasks.get('own-2')).toBeUndefined()
      expect(await quotas.get('own')).toEqual(quota(7))
      const ids = (found: { assignedTask: { taskId: string } }[]) => found.map((task) => task.assignedTask.taskId)
      expect(ids(await tasks.fetch({ statuses: ['RUNNING'] }))).toContain('own-1')
      expect(ids(await tasks.fetch({ slaveHosts: ['own-h'] }))).toEqual(['own-1'])
      expect(ids(await tasks.fetch({ taskIds: ['own-1', 'own-2', 'own-3', 'own-4'] }))).toEqual(['own-1', 'own-3'])
      expect(await jobs.get({ role: 'own', environment: 'prod', name: 'hello' })).toMatchObject({
        tasks: { PENDING: 1, RUNNING: 1 },
      })
      expect(await roles.get('own')).toMatchObject({ quota: quota(7), active: 2 })
      expect((await api.get('/v1/tasks/own-3')).status).toBe(404)
      expect((await api.get('/v1/quotas/own')).status).toBe(404)
    })
    expect((await api.get('/v1/tasks/own-3')).status).toBe(200)
    expect((await api.get('/v1/tasks/own-1')).body.status).toBe('RUNNING')
    expect((await api.get('/v1/tasks/own-2')).status).toBe(404)
  })

  test('does not lose an update, however many meet', async () => {
    await storage.write(({ quotas }) => quotas.save('counter', quota(1)))
    const increment = () =>
      storage.write(async ({ quotas }) => {
        const now = (await quotas.get('counter'))!.resources.find((each) => each.numCpus !== undefined)!.numCpus!
        quotas.save('counter', quota(now + 1))
      })
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 20; i++) await increment()
      }),
    )
    expect((await api.get('/v1/quotas/counter')).body.quota).toEqual(quota(161))
  }, 60_000)
})
