import { expect, test } from 'vitest'
import type { Storage, TaskInput } from '../../../lib/index.ts'
import { scheduledTask } from '../../../lib/model/task.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'
import { type config, fullConfig, fullTask, task } from '../../support/records.ts'
import { refused } from '../../support/refusal.ts'
import { configIn, taskIn } from '../../support/task-store.ts'

/** A task as it is read after it was saved like this. */
export const storedTask = (given: TaskInput) => ({ ...scheduledTask.parse(given), version: expect.any(Number) })

/** Aurora's AbstractTaskStoreTest: what is saved, changed and removed. */
export function taskStoreCases(storage: Storage): void {
  const save = (...given: TaskInput[]) => storage.write(({ tasks }) => tasks.save(given))
  const fetch = (taskId: string) => storage.consistentRead(({ tasks }) => tasks.get(taskId))
  const ids = async (role: string) => {
    const found = await storage.consistentRead(({ tasks }) => tasks.fetch({ role }))
    return found.map(({ assignedTask }) => assignedTask.taskId)
  }

  async function roundTrip(taskId: string, overrides: Partial<ReturnType<typeof config>>): Promise<void> {
    const saved = task(taskId, { task: { ...fullConfig, ...overrides } })
    await save(saved)
    expect(await fetch(taskId)).toEqual(storedTask(saved))
  }

  test('everything is removed when everything is asked for [testDeleteAll]', async () => {
    await save(taskIn('all', 'all-a'), taskIn('all-2', 'all-b', { status: 'FINISHED' }))
    await storage.write(({ tasks }) => tasks.remove({ all: true }))
    const left = await storage.consistentRead(({ tasks }) => Promise.all([tasks.fetch(), tasks.jobKeys()]))
    expect(left).toEqual([[], []])
  })

  test('a full task comes back with every field, tasks add up, and a save under an id overwrites [testSave]', async () => {
    const [one, two] = [fullTask('save-1'), fullTask('save-2')]
    assertFullyPopulated(scheduledTask, one, ['version'])
    await save(one)
    await save(two)
    expect([await fetch('save-1'), await fetch('save-2')]).toEqual([storedTask(one), storedTask(two)])
    const changed = { ...two, status: 'FINISHED' as const, taskEvents: [] }
    await save(changed)
    const both = await storage.consistentRead(({ tasks }) => tasks.fetch({ taskIds: ['save-1', 'save-2'] }))
    expect(both).toEqual([storedTask(one), storedTask(changed)])
  })

  test('two metadata with one key are both kept [testSaveWithMetadata]', async () => {
    await roundTrip('metadata', {
      metadata: [
        { key: 'package', value: 'a' },
        { key: 'package', value: 'b' },
      ],
    })
  })

  test('fetcher URIs keep their flags, set or not [testSaveWithMesosFetcherUris]', async () => {
    await roundTrip('uris', {
      mesosFetcherUris: [
        { value: 'pathA', extract: true, cache: true },
        { value: 'pathB', extract: false, cache: false },
        { value: 'pathC' },
      ],
    })
  })

  test('volumes keep their modes and their order [testSaveWithContainerVolumes]', async () => {
    const volumes = [
      { containerPath: '/z', hostPath: '/srv/z', mode: 'RW' as const },
      { containerPath: '/a', hostPath: '/srv/a', mode: 'RO' as const },
    ]
    await roundTrip('volumes', { container: { mesos: { image: { docker: { name: 'i', tag: 't' } }, volumes } } })
  })

  test('a docker image of a Mesos container is kept [testSaveWithDockerImage]', async () => {
    await roundTrip('docker', { container: { mesos: { image: { docker: { name: 'some-name', tag: 'some-tag' } } } } })
  })

  test('an appc image of a Mesos container is kept [testSaveWithAppcImage]', async () => {
    await roundTrip('appc', { container: { mesos: { image: { appc: { name: 'some-name', imageId: 'some-id' } } } } })
  })

  test('several ports are kept, and saving what was read changes nothing [testSaveWithMultiplePorts]', async () => {
    const saved = taskIn('ports', 'ports-1', { assignedPorts: { http: 1_000, mail: 25 } })
    await save(saved)
    const read = await fetch('ports-1')
    expect(read).toEqual(storedTask(saved))
    await save(read!)
    expect(await fetch('ports-1')).toEqual(storedTask(saved))
    expect(await ids('ports')).toEqual(['ports-1'])
  })

  test('a change is seen by queries of the status, and other tasks are left alone [testMutate]', async () => {
    const saved = [taskIn('mutate', 'mutate-a'), taskIn('mutate', 'mutate-b'), taskIn('mutate', 'mutate-c')]
    await save(...saved)
    const inStatus = async (status: 'PENDING' | 'RUNNING') => {
      const found = await storage.consistentRead(({ tasks }) => tasks.fetch({ role: 'mutate', statuses: [status] }))
      return found.map(({ assignedTask }) => assignedTask.taskId)
    }
    const before = await fetch('mutate-b')
    const running = await storage.write(({ tasks }) =>
      tasks.mutate('mutate-a', (given) => ({ ...given, status: 'RUNNING' })),
    )
    expect(running).toEqual(scheduledTask.parse({ ...saved[0], status: 'RUNNING' }))
    expect(await inStatus('RUNNING')).toEqual(['mutate-a'])
    expect(await inStatus('PENDING')).toEqual(['mutate-b', 'mutate-c'])
    expect(await fetch('mutate-b')).toEqual(before)
    await storage.write(({ tasks }) => tasks.mutateMany({ role: 'mutate' }, { status: 'RUNNING' }))
    expect(await inStatus('RUNNING')).toEqual(['mutate-a', 'mutate-b', 'mutate-c'])

    const nobody = await storage.write(({ tasks }) =>
      tasks.mutate('no-such-task', () => {
        throw new Error('there is nothing to change')
      }),
    )
    expect(nobody).toBeUndefined()
    const renamed = storage.write(({ tasks }) => tasks.mutate('mutate-a', () => taskIn('mutate', 'mutate-d')))
    await expect(renamed).rejects.toEqual(refused('invalid_field'))
    expect(await ids('mutate')).toEqual(['mutate-a', 'mutate-b', 'mutate-c'])
  })

  test('one task or several are removed; unknown ones are ignored [testDelete]', async () => {
    await save(...['a', 'b', 'c', 'd'].map((id) => taskIn('delete', `delete-${id}`)))
    const remove = (...which: string[]) => storage.write(({ tasks }) => tasks.remove(which))
    await remove('delete-a')
    expect(await ids('delete')).toEqual(['delete-b', 'delete-c', 'delete-d'])
    await remove('delete-a')
    expect(await ids('delete')).toEqual(['delete-b', 'delete-c', 'delete-d'])
    await remove('delete-b', 'never-there', 'delete-c', 'delete-b')
    expect(await ids('delete')).toEqual(['delete-d'])
  })

  test('equal configs come back equal, whichever of their tasks has gone [testCanonicalTaskConfigs]', async () => {
    const reordered = configIn('canonical')
    reordered.resources = [...reordered.resources!].reverse()
    await save(taskIn('canonical', 'canonical-1'), taskIn('canonical', 'canonical-2', { task: reordered }))
    await save(taskIn('canonical', 'canonical-3'))
    const configs = async () => {
      const found = await storage.consistentRead(({ tasks }) => tasks.fetch({ role: 'canonical' }))
      return found.map(({ assignedTask }) => assignedTask.task)
    }
    const [first, ...others] = await configs()
    expect(others).toEqual([first, first])
    await storage.write(({ tasks }) => tasks.remove(['canonical-1']))
    expect(await configs()).toEqual(others)
  })

  test('a save under an id does what a mutation does, and leaves no second task behind [testSaveOverwrites]', async () => {
    const at = (taskId: string, host: string) => taskIn('over', taskId, { slaveHost: host, status: 'RUNNING' })
    await save(at('over-saved', 'over-h1'), at('over-mutated', 'over-h1'))
    await save(at('over-saved', 'over-h2'))
    await storage.write(({ tasks }) => tasks.mutate('over-mutated', () => at('over-mutated', 'over-h2')))
    expect(await ids('over')).toEqual(['over-mutated', 'over-saved'])
    const on = (host: string) => storage.consistentRead(({ tasks }) => tasks.fetch({ slaveHosts: [host] }))
    expect(await on('over-h1')).toEqual([])
    expect(await on('over-h2')).toEqual([
      storedTask(at('over-mutated', 'over-h2')),
      storedTask(at('over-saved', 'over-h2')),
    ])
  })
}
