import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, openStorage, type Storage } from '../../lib/index.ts'
import type { MemoryTable } from '../../lib/log/memory-log.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { memoryNode } from './memory-node.ts'
import type { Cleanup } from './temporary.ts'
import { serveNode, WRITE_TOKEN } from './test-api.ts'

/** Where cases run. */
export interface Bed {
  storage: Storage
  /** The node that is written to. */
  node: BorealNode
  /** A node that starts on the log, as after a restart. */
  restarted(): Promise<BorealNode>
}

const BEDS = {
  'in process': async (cleanup: Cleanup): Promise<Bed> => {
    const { node, ...log } = await memoryNode({ cleanup })
    return { storage: await openStorage(node), node, restarted: starter(log, cleanup) }
  },

  'over HTTP': async (cleanup: Cleanup): Promise<Bed> => {
    const { node, ...log } = await memoryNode({ cleanup })
    const { url } = await serveNode(node, cleanup)
    return { storage: connect(url, { token: WRITE_TOKEN }), node, restarted: starter(log, cleanup) }
  },

  'read by a node that knows nothing but the log': async (cleanup: Cleanup): Promise<Bed> => {
    const { node, ...log } = await memoryNode({ cleanup })
    const restarted = starter(log, cleanup)
    // What it applies is what a node applies that starts: each read here is one after a restart.
    const [written, read] = await Promise.all([openStorage(node), openStorage(await restarted())])
    const { consistentRead, weaklyConsistentRead } = read
    return { storage: { ...written, consistentRead, weaklyConsistentRead }, node, restarted }
  },
}

function starter(log: { table: MemoryTable; storeId: string }, cleanup: Cleanup): () => Promise<BorealNode> {
  return async () => (await memoryNode({ ...log, cleanup })).node
}

/** Runs tests on some beds, each with nodes of its own that live as long as its tests. */
export function describeBeds(names: (keyof typeof BEDS)[], tests: (bed: Bed) => void): void {
  describe.each(names)('%s', (name) => {
    const cleanups: (() => Promise<void>)[] = []
    let bed: Bed
    beforeAll(async () => {
      bed = await BEDS[name]((work) => cleanups.unshift(work))
    })
    afterAll(async () => {
      for (const work of cleanups) await work()
    })

    tests({
      storage: {
        write: (work, options) => bed.storage.write(work, options),
        consistentRead: (work) => bed.storage.consistentRead(work),
        weaklyConsistentRead: (work) => bed.storage.weaklyConsistentRead(work),
        readAsOf: (asOf, work) => bed.storage.readAsOf(asOf, work),
        close: () => bed.storage.close(),
      },
      get node() {
        return bed.node
      },
      restarted: () => bed.restarted(),
    })
  })
}

/**
 * Runs the cases of the stores against the façade in process, over HTTP, and read from the log; then restarts, and
 * expects everything to be as it was. Cases share their nodes, so each has names of its own.
 */
export function describeStores(cases: (storage: Storage) => void): void {
  describeBeds(['in process', 'over HTTP', 'read by a node that knows nothing but the log'], (bed) => {
    cases(bed.storage)

    test('after a restart the state is the same, and every record of every store is read again as it was', async () => {
      const before = await everything(bed.storage)
      for (const [store, records] of Object.entries(before)) expect(records, store).not.toHaveLength(0)
      const node = await bed.restarted()
      expect(await node.digest()).toEqual(await bed.node.digest())
      expect(await everything(await openStorage(node))).toEqual(before)
    })
  })
}

/** Every record, by store. */
export function everything(storage: Storage): Promise<Record<string, unknown[]>> {
  return storage.consistentRead(async (stores) => {
    const { tasks, jobs, roles, quotas, hosts, hostMaintenance, cronJobs, jobUpdates, locks, scheduler } = stores
    const lists = {
      tasks: tasks.fetch(),
      jobs: jobs.list(),
      roles: roles.list(),
      quotas: quotas.list(),
      hosts: hosts.list(),
      hostMaintenance: hostMaintenance.list(),
      cronJobs: cronJobs.list(),
      jobUpdates: jobUpdates.fetch(),
      locks: locks.list(),
      scheduler: scheduler.frameworkId().then((id) => (id === undefined ? [] : [id])),
    }
    const read = Object.entries(lists).map(async ([store, list]) => [store, await list] as [string, unknown[]])
    return Object.fromEntries(await Promise.all(read))
  })
}
