import { expect, test } from 'vitest'
import type { Quota, Storage } from '../../lib/index.ts'
import type { StorageTransport } from '../../lib/storage/transport.ts'
import { quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { taskIn } from '../support/task-store.ts'

/** Rules that closures keep, they keep together; and without preconditions they would not. */

const cpus = (of: Quota | undefined) => of?.resources.find((each) => each.numCpus !== undefined)?.numCpus ?? 0
const random = (below: number) => Math.floor(Math.random() * below)

/** Many at once, each doing something several times. */
async function crowd(size: number, times: number, act: () => Promise<unknown>): Promise<void> {
  await Promise.all(
    Array.from({ length: size }, async () => {
      for (let time = 0; time < times; time++) await act()
    }),
  )
}

const ACCOUNTS = 6

/** Transfers between accounts, read in different ways. */
async function transfers(storage: Storage, bank: string, size: number, times: number): Promise<number> {
  const account = (index: number) => `${bank}-${index}`
  await storage.write(({ quotas }) => {
    for (let index = 0; index < ACCOUNTS; index++) quotas.save(account(index), quota(100))
  })
  await crowd(size, times, () =>
    storage.write(async ({ quotas }) => {
      const [from, to] = [random(ACCOUNTS), random(ACCOUNTS)]
      if (random(4) === 0) {
        // All that belongs to the bank, by a list.
        const all = (await quotas.list()).filter(({ role }) => role.startsWith(`${bank}-`))
        const richest = all.reduce((left, right) => (cpus(right.quota) > cpus(left.quota) ? right : left))
        quotas.save(richest.role, quota(cpus(richest.quota) - 1))
        quotas.save(account(to), quota(cpus(await quotas.get(account(to))) + 1))
        return
      }
      const balance = cpus(await quotas.get(account(from)))
      const amount = Math.min(balance, random(30))
      quotas.save(account(from), quota(balance - amount))
      quotas.save(account(to), quota(cpus(await quotas.get(account(to))) + amount))
    }),
  )
  const balances = await storage.consistentRead(({ quotas }) =>
    Promise.all(Array.from({ length: ACCOUNTS }, (_, index) => quotas.get(account(index)))),
  )
  return balances.reduce((sum, balance) => sum + cpus(balance), 0)
}

/** Starts a task on the first instance id of a job that has no active one; gives how often an id is taken twice. */
async function instances(storage: Storage, role: string, size: number, times: number): Promise<number> {
  let next = 0
  await crowd(size, times, () => {
    const taskId = `${role}-${next++}`
    return storage.write(async ({ tasks }) => {
      const there = await tasks.fetch({ role, environment: 'prod', jobName: 'hello' })
      const active = there.filter(({ status }) => status === 'RUNNING')
      if (active.length > 5) {
        const gone = active[random(active.length)]!.assignedTask.taskId
        await tasks.mutate(gone, (task) => ({ ...task, status: 'KILLED' }))
      }
      const left = await tasks.fetch({ role, statuses: ['RUNNING'] })
      const taken = new Set(left.map(({ assignedTask }) => assignedTask.instanceId))
      const instanceId = [0, 1, 2, 3, 4, 5, 6].find((id) => !taken.has(id))
      if (instanceId !== undefined) tasks.save([taskIn(role, taskId, { instanceId, status: 'RUNNING' })])
    })
  })
  const running = await storage.consistentRead(({ tasks }) => tasks.fetch({ role, statuses: ['RUNNING'] }))
  const ids = running.map(({ assignedTask }) => assignedTask.instanceId)
  expect(ids.length).toBeGreaterThan(3)
  return ids.length - new Set(ids).size
}

/** A transport that forgets what was read. */
const careless = (transport: StorageTransport): Partial<StorageTransport> => ({
  read: (request) => transport.read({ ...request, preconditions: [] }),
  submit: ({ operations }, options) => transport.submit({ operations, preconditions: [] }, options),
})

/** Whether something happens within some rounds. */
async function eventually(happens: (round: number) => Promise<boolean>): Promise<boolean> {
  for (let round = 0; round < 10; round++) if (await happens(round)) return true
  return false
}

describeStorages('closures that run at the same time', ({ storage, over }) => {
  test('keep a sum', async () => {
    expect(await transfers(storage, 'bank', 6, 8)).toBe(ACCOUNTS * 100)
  }, 60_000)

  test('keep a rule about what is not there', async () => {
    expect(await instances(storage, 'ids', 5, 8)).toBe(0)
  }, 60_000)

  test('would break both without their preconditions', async () => {
    const broken = over(careless)
    const sums = (round: number) => transfers(broken, `broken-bank-${round}`, 6, 8)
    expect(await eventually(async (round) => (await sums(round)) !== ACCOUNTS * 100)).toBe(true)
    expect(await eventually(async (round) => (await instances(broken, `broken-ids-${round}`, 8, 4)) > 0)).toBe(true)
  }, 60_000)
})
