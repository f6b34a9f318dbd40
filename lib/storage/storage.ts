import { AsyncLocalStorage } from 'node:async_hooks'
import { uuidv7 } from 'uuidv7'
import { BorealError, isBorealError } from '../model/errors.ts'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { AsOf, Consistency } from '../node/node.ts'
import { PLACE_FORM, parsePlace, parseTime, TIME_FORM } from '../recovery/point.ts'
import { misuse } from './misuse.ts'
import { Session, type SessionKind } from './session.ts'
import { type MutableStores, type Stores, storesOf } from './stores.ts'
import type { StorageTransport } from './transport.ts'

/**
 * The stores of a scheduler. All access is through closures, and a closure sees one state from its first read to its
 * last. Nothing in a closure can hold up anybody else: it runs without locks, and is run again from its start when what
 * it has read has changed before it could commit. So **a closure must be repeatable**: no effects outside of the
 * stores, or only such as may happen more than once.
 *
 * A closure that is started inside another one of the same storage joins it. If it throws, the outer one fails, too,
 * even if it catches the error.
 */
export interface Storage {
  /**
   * Serializable, atomic, and durable when it returns. If `work` throws, nothing is written.
   *
   * @throws BorealError what the transaction is refused with; `precondition_failed` when it met others again and again
   */
  write<T>(work: (stores: MutableStores) => Promise<T> | T, options?: WriteOptions): Promise<T>
  /** Reads one state that includes every write acknowledged before the call. */
  consistentRead<T>(work: (stores: Stores) => Promise<T> | T): Promise<T>
  /** Reads one committed state, which may be a little older. Goes on while the log cannot be reached. */
  weaklyConsistentRead<T>(work: (stores: Stores) => Promise<T> | T): Promise<T>
  /**
   * Reads an earlier state: at an LSN (`'4711'`, `'4711.2'`), a time (`'2026-03-01T09:30:00Z'`, `'-2h'`), or what a recovery
   * has staged. It does not join a closure around it, so what was can be read beside what is.
   *
   * @throws BorealError `invalid_field` for what is no earlier state, `out_of_retention` for what cannot be had any more
   */
  readAsOf<T>(asOf: string | AsOf, work: (stores: Stores) => Promise<T> | T): Promise<T>
  close(): Promise<void>
}

export interface WriteOptions {
  /** Why; kept in the log. */
  reason?: string
}

export interface StorageOptions {
  runtime?: Runtime
  /** How often a closure is run before it is given up. Default 25. */
  attempts?: number
}

/**
 * Pauses between runs, in runs: as long as one takes, twice that, and so on up to this. Whoever meets others must pause for
 * many times what a run takes, or one of them loses every race; so pauses of fixed length would be too short for slow runs.
 */
const LONGEST_PAUSE_RUNS = 64
const SHORTEST_RUN_MS = 5

interface Run {
  kind: SessionKind
  consistency: Consistency
  reason?: string | undefined
}

/** The storage behind a transport; see `Storage`. */
export function createStorage(transport: StorageTransport, options: StorageOptions = {}): Storage {
  const { runtime = systemRuntime, attempts = 25 } = options
  const current = new AsyncLocalStorage<Open>()
  let closed = false

  async function run<T>(run: Run, work: Work<T>): Promise<T> {
    if (closed) throw misuse('the storage is closed')
    const outer = current.getStore()
    const joins = run.consistency.level !== 'asOf' && outer !== undefined && !outer.session.ended
    if (joins) return join(outer, run.kind, work)
    for (let attempt = 1; ; attempt++) {
      const startedAt = runtime.monotonic()
      const session = new Session(run.kind, transport, run.consistency)
      const open = { session, stores: storesOf(session) }
      const outcome = await once(transport, open, run, () => current.run(open, () => settled(work, open.stores)))
      if (outcome.kind === 'done') return outcome.value
      if (attempt >= attempts) throw givenUp(attempt, outcome.conflict)
      const runMs = Math.max(SHORTEST_RUN_MS, runtime.monotonic() - startedAt)
      await runtime.sleep(runtime.random() * runMs * Math.min(2 ** (attempt - 1), LONGEST_PAUSE_RUNS))
    }
  }

  return {
    write: (work, { reason } = {}) => run({ kind: 'write', consistency: { level: 'consistent' }, reason }, work),
    consistentRead: (work) => run({ kind: 'read', consistency: { level: 'consistent' } }, work),
    weaklyConsistentRead: (work) => run({ kind: 'read', consistency: { level: 'weak' } }, work),
    readAsOf: async (asOf, work) => run({ kind: 'read', consistency: { level: 'asOf', asOf: asOfOf(asOf) } }, work),
    async close() {
      if (closed) return
      closed = true
      await transport.close()
    },
  }
}

function asOfOf(asOf: string | AsOf): AsOf {
  if (typeof asOf !== 'string') return asOf
  const parsed = parsePlace(asOf) ?? parseTime(asOf)
  if (parsed !== undefined) return parsed
  throw new BorealError(
    'invalid_field',
    `${JSON.stringify(asOf)} is no earlier state: it ${PLACE_FORM}, or ${TIME_FORM}`,
  )
}

type Work<T> = (stores: MutableStores) => Promise<T> | T

interface Open {
  session: Session
  stores: MutableStores
}

type Outcome<T> = { kind: 'done'; value: T } | { kind: 'conflict'; conflict: BorealError }

type Result<T> = { value: T } | { error: unknown }

async function settled<T>(work: Work<T>, stores: MutableStores): Promise<Result<T>> {
  try {
    return { value: await work(stores) }
  } catch (error) {
    return { error }
  }
}

async function join<T>({ session, stores }: Open, kind: SessionKind, work: Work<T>): Promise<T> {
  if (kind === 'write' && session.kind === 'read') {
    throw misuse('a closure that reads cannot contain one that writes; make the outer one storage.write')
  }
  const result = await settled(work, stores)
  if ('value' in result) return result.value
  session.fail(result.error)
  throw result.error
}

/** One run of a closure, and its commit. */
async function once<T>(
  transport: StorageTransport,
  { session }: Open,
  { kind, reason }: Run,
  work: () => Promise<Result<T>>,
): Promise<Outcome<T>> {
  const result = await work()
  const unfinished = await session.end()
  if (session.conflict !== undefined) return { kind: 'conflict', conflict: session.conflict }
  if ('error' in result) throw result.error
  if (kind === 'read') return { kind: 'done', value: result.value }
  if (session.failure !== undefined) throw session.failure.error
  if (unfinished) throw misuse('the closure ended before its reads did; await everything inside it')
  const transaction = session.transaction()
  if (transaction === undefined) return { kind: 'done', value: result.value }
  try {
    await transport.submit(transaction, { key: uuidv7(), reason })
    return { kind: 'done', value: result.value }
  } catch (error) {
    if (isBorealError(error, 'precondition_failed')) return { kind: 'conflict', conflict: error }
    throw error
  }
}

function givenUp(attempts: number, conflict: BorealError): BorealError {
  return new BorealError(
    'precondition_failed',
    `what the closure read was changed by others in each of ${attempts} runs; read less in it, or meet them less often`,
    { cause: conflict, ...(conflict.failed === undefined ? {} : { failed: conflict.failed }) },
  )
}
