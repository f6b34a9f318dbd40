import type { BorealClient } from '../../client/client.ts'
import { BorealError, isBorealError } from '../../model/errors.ts'
import type { Progress } from '../output.ts'
import { hostAttributesOf, type TaskChange } from './changes.ts'
import type { TraceNode } from './trace.ts'

/** Hosts that one transaction saves. */
const HOSTS_PER_TRANSACTION = 100

/** What was sent and how long it took. */
export interface Drive {
  transactions: number
  /** Ms of each transaction, from sending to the answer. */
  latencies: number[]
  elapsedMs: number
  lsn: number
}

/** Saves the nodes as hosts. */
export async function saveHosts(client: BorealClient, nodes: TraceNode[], prefix: string): Promise<number> {
  let transactions = 0
  for (let start = 0; start < nodes.length; start += HOSTS_PER_TRANSACTION) {
    const operations = nodes
      .slice(start, start + HOSTS_PER_TRANSACTION)
      .map((node) => ({ op: 'saveHostAttributes', hostAttributes: hostAttributesOf(node) }))
    await client.submit({ operations }, `replay:${prefix}hosts:${start}`)
    transactions++
  }
  return transactions
}

/** Changes that wait for an earlier one of their task hold no place in flight, so some more than that are begun. */
const BEGUN_PER_IN_FLIGHT = 4

/**
 * Sends every change as a transaction of its own, so many in flight at once. Changes are begun in the order of the
 * trace, and those of one task follow one another. The keys name task and change: a replay that was broken off can be
 * started again and goes on where it was.
 */
export async function driveChanges(
  client: BorealClient,
  changes: TaskChange[],
  inFlight: number,
  progress: Progress,
): Promise<Drive> {
  const drive: Drive = { transactions: 0, latencies: [], elapsedMs: 0, lsn: 0 }
  const begun = new Places(inFlight * BEGUN_PER_IN_FLIGHT)
  const flying = new Places(inFlight)
  const previous = new Map<string, Promise<void>>()
  const all: Promise<void>[] = []
  let failure: unknown
  const startedAt = performance.now()
  for (const change of changes) {
    await begun.take()
    if (failure !== undefined) break
    const done = (previous.get(change.taskId) ?? Promise.resolve())
      .then(() => flying.during(() => send(client, change, drive)))
      .then(() => progress.advance())
    previous.set(change.taskId, done)
    const settled = done.catch((error: unknown) => {
      failure ??= error
    })
    all.push(settled.finally(() => begun.give()))
  }
  await Promise.all(all)
  if (failure !== undefined) throw failure
  drive.elapsedMs = performance.now() - startedAt
  return drive
}

/** A number of places; who finds none free waits in line. */
class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    await this.take()
    try {
      return await work()
    } finally {
      this.give()
    }
  }
}

async function send(client: BorealClient, change: TaskChange, drive: Drive): Promise<void> {
  const sentAt = performance.now()
  try {
    const { lsn } = await client.submit(change.transaction, `replay:${change.taskId}:${change.status}`)
    drive.lsn = Math.max(drive.lsn, lsn)
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
    throw new BorealError(
      'precondition_failed',
      `task ${change.taskId} cannot become ${change.status}: ${JSON.stringify(error.failed)}. The store holds tasks of ` +
        'another replay; use an empty store, or another --prefix.',
    )
  }
  drive.latencies.push(performance.now() - sentAt)
  drive.transactions++
}
