import { BorealError, messageOf } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'

/** Work that takes longer than a request may: who asked for it gets its id, and looks again. */
export interface Operation {
  id: string
  kind: string
  state: 'running' | 'done' | 'failed'
  startedAt: number
  finishedAt?: number
  /** What it gave, once it is done. */
  result?: unknown
  /** What it failed with. */
  error?: BorealError
}

const KEPT = 100

/**
 * The operations of this node. They are kept in memory: work ends with its process, and whoever looks for it then finds
 * nothing and asks again, which is safe for everything that is started here.
 */
export class Operations {
  readonly #runtime: Runtime
  readonly #operations = new Map<string, Operation>()
  readonly #running = new Map<string, { operation: Operation; ended: Promise<void> }>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * Starts work of a kind, or joins the one that is running (of the same thing, if it is of one), and waits for it for up
   * to `waitMs`. The operation says how far it has got by then.
   */
  async run(
    kind: string,
    waitMs: number,
    work: () => Promise<unknown>,
    { of = '' }: { of?: string } = {},
  ): Promise<Operation> {
    const key = `${kind} ${of}`
    const { operation, ended } = this.#running.get(key) ?? this.#start(kind, key, work)
    const waited = new AbortController()
    await Promise.race([ended, this.#runtime.sleep(waitMs, waited.signal)])
    waited.abort()
    return operation
  }

  /** @throws BorealError `not_found` */
  find(id: string): Operation {
    const found = this.#operations.get(id)
    if (found !== undefined) return found
    throw new BorealError('not_found', `this node has no operation ${id}; it forgets them when it is restarted`)
  }

  #start(kind: string, key: string, work: () => Promise<unknown>): { operation: Operation; ended: Promise<void> } {
    const { newId, now } = this.#runtime
    const operation: Operation = { id: newId(), kind, state: 'running', startedAt: now() }
    this.#operations.set(operation.id, operation)
    const end = (outcome: Partial<Operation>) => {
      Object.assign(operation, outcome, { finishedAt: now() })
      this.#running.delete(key)
    }
    const ended = work().then(
      (result) => end({ state: 'done', result }),
      (error: unknown) => end({ state: 'failed', error: asBorealError(error) }),
    )
    this.#running.set(key, { operation, ended })
    this.#forgetOldest()
    return { operation, ended }
  }

  #forgetOldest(): void {
    for (const [id, { state }] of this.#operations) {
      if (this.#operations.size <= KEPT) return
      if (state !== 'running') this.#operations.delete(id)
    }
  }
}

function asBorealError(error: unknown): BorealError {
  return error instanceof BorealError ? error : new BorealError('internal', messageOf(error), { cause: error })
}
