import { expect, test } from 'vitest'
import { isBorealError } from '../../lib/index.ts'
import { quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { configIn, taskIn } from '../support/task-store.ts'

/** How closures begin, nest, fail and end. */

const refused = (code: string) => expect.toSatisfy((error: unknown) => isBorealError(error) && error.code === code)

describeStorages('closures', ({ storage, api, over }) => {
  const exists = async (role: string) => (await api.get(`/v1/quotas/${role}`)).status === 200

  test('a closure that throws leaves nothing', async () => {
    const failing = storage.write(({ quotas, tasks }) => {
      quotas.save('throws', quota(1))
      tasks.save([taskIn('throws', 'throws-1')])
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await exists('throws')).toBe(false)
    expect((await api.get('/v1/tasks/throws-1')).status).toBe(404)
  })

  test('a nested closure joins: it sees what the outer one wrote, and both commit together', async () => {
    const submits: number[] = []
    const counted = over((transport) => ({
      submit: (transaction, options) => {
        submits.push(transaction.operations.length)
        return transport.submit(transaction, options)
      },
    }))
    await counted.write(async ({ quotas }) => {
      quotas.save('nest-a', quota(1))
      await counted.write(async (inner) => {
        expect(await inner.quotas.get('nest-a')).toEqual(quota(1))
        inner.quotas.save('nest-b', quota(2))
      })
      expect(await counted.consistentRead((inner) => inner.quotas.get('nest-b'))).toEqual(quota(2))
      expect(await counted.weaklyConsistentRead((inner) => inner.quotas.get('nest-b'))).toEqual(quota(2))
      expect(await exists('nest-b')).toBe(false)
    })
    expect(await exists('nest-a')).toBe(true)
    expect(submits).toEqual([2])
  })

  test('when a nested closure throws nothing is written, even if the outer one catches it', async () => {
    const caught = storage.write(async ({ quotas }) => {
      quotas.save('fails-a', quota(1))
      await storage
        .write((inner) => {
          inner.quotas.save('fails-b', quota(1))
          throw new Error('inner')
        })
        .catch(() => undefined)
      quotas.save('fails-c', quota(1))
    })
    await expect(caught).rejects.toThrow('inner')
    const after = storage.write(async () => {
      await storage.write((inner) => inner.quotas.save('fails-d', quota(1)))
      throw new Error('outer')
    })
    await expect(after).rejects.toThrow('outer')
    for (const role of ['fails-a', 'fails-b', 'fails-c', 'fails-d']) expect(await exists(role)).toBe(false)
  })

  test('a closure that reads can neither write nor contain one that writes', async () => {
    const nested = storage.consistentRead(() => storage.write(({ quotas }) => quotas.save('forbidden', quota(1))))
    await expect(nested).rejects.toEqual(refused('forbidden'))
    const direct = storage.consistentRead(({ quotas }) =>
      (quotas as unknown as { save(role: string, of: object): void }).save('forbidden', quota(1)),
    )
    await expect(direct).rejects.toEqual(refused('forbidden'))
    expect(await exists('forbidden')).toBe(false)
  })

  test('stores are of no use after their closure has ended', async () => {
    const quotas = await storage.write((stores) => stores.quotas)
    expect(() => quotas.save('late', quota(1))).toThrow(/has ended/)
    await expect(quotas.get('late')).rejects.toThrow(/has ended/)
    await expect(quotas.list()).rejects.toThrow(/has ended/)
    // Work that was started in a closure and outlives it may begin closures of its own.
    const later = await storage.write(() => [
      (async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        await storage.write((stores) => stores.quotas.save('later', quota(1)))
      })(),
    ])
    await Promise.all(later)
    expect(await exists('later')).toBe(true)
  })

  test('a closure that does not wait for its reads is refused', async () => {
    const careless = storage.write(({ quotas, hosts }) => {
      quotas.save('careless', quota(1))
      void hosts.get('careless').catch(() => undefined)
    })
    await expect(careless).rejects.toThrow(/await/)
    expect(await exists('careless')).toBe(false)
  })

  test('bad input fails where it is given', async () => {
    await storage.write(async ({ quotas, tasks, hosts }) => {
      expect(() => quotas.save('bad role', quota(1))).toThrow(/role/)
      expect(() => quotas.save('r', { resources: [] })).toThrow(/exactly/)
      expect(() => tasks.save([])).toThrow(/tasks/)
      expect(() => tasks.mutateMany({}, {})).toThrow(/at least one restriction/)
      expect(() => tasks.mutateMany({ taskIds: [] }, {})).toThrow(/taskIds/)
      expect(() => tasks.remove([])).toThrow(/taskIds/)
      await expect(tasks.fetch({ roles: 'x' } as object)).rejects.toEqual(refused('invalid_field'))
      await expect(tasks.get('')).rejects.toEqual(refused('invalid_field'))
      await expect(hosts.save({ host: 'h' } as never)).rejects.toEqual(refused('invalid_field'))
    })
  })

  test('a refusal of an operation refuses the closure', async () => {
    const many = Array.from({ length: 5_001 }, (_, index) => index)
    const large = storage.write(({ quotas }) => {
      for (const index of many) quotas.remove(`role-${index}`)
    })
    await expect(large).rejects.toEqual(refused('too_many_operations'))
  })

  test('thousands of tasks, one by one, are one transaction', async () => {
    const ids = Array.from({ length: 5_100 }, (_, index) => `many-${String(index).padStart(4, '0')}`)
    await storage.write(async ({ tasks }) => {
      for (const [index, id] of ids.entries()) {
        const job = configIn('many', `job-${index % 2}`)
        tasks.save([taskIn('many', id, { task: job })])
      }
      for (const id of ids.slice(0, 100)) await tasks.mutate(id, (task) => ({ ...task, status: 'RUNNING' }))
      expect(await tasks.fetch({ role: 'many', statuses: ['RUNNING'] })).toHaveLength(100)
    })
    expect((await api.get('/v1/roles/many')).body.tasks).toEqual({ PENDING: 5_000, RUNNING: 100 })
  })
})
