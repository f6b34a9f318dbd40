import { BorealError, messageOf } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'

/** Work that takes longer than a request may: who asked for it gets its id, and looks again. */
export interface Operation {
  id: string
  kind: string
  state: 'running' | 'done' | 'failed'
  startedAt: number
  finishedAt?: number
  /** How far it has got, while it is running. */
  progress?: unknown
  /** What it gave, once it is done. */
  result?: unknown
  /** What it failed with. */
  error?: BorealError
}

export interface RunOptions {
  /** Tells work from other work of the kind, which does not join it. */
  name?: string
  /** How far it has got. */
  progress?(): unknown
}

const KEPT = 100

/**
 * The operations of this node. They are kept in memory: work ends with its process, and whoever looks for it then finds
 * nothing and asks again, which is safe for everything that is started here.
 */
export class Operations {
  readonly #runtime: Runtime
  readonly #operations = new Map<string, Operation>()
  readonly #running = new Map<string, Running>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * Starts work of a kind, or joins the one that is running, and waits for it for up to `waitMs`. The operation says how
   * far it has got by then.
   */
  async run(kind: string, waitMs: number, work: () => Promise<unknown>, options: RunOptions = {}): Promise<Operation> {
    const running = this.#running.get(keyOf(kind, options)) ?? this.#start(kind, work, options)
    const waited = new AbortController()
    await Promise.race([running.ended, this.#runtime.sleep(waitMs, waited.signal)])
    waited.abort()
    return this.find(running.operation.id)
  }

  /** @throws BorealError `not_found` */
  find(id: string): Operation {
    const found = this.#operations.get(id)
    const running = [...this.#running.values()].find(({ operation }) => operation === found)
    const progress = running?.progress?.()
    if (found !== undefined) return progress === undefined ? found : { ...found, progress }
    throw new BorealError('not_found', `this node has no operation ${id}; it forgets them when it is restarted`)
  }

  #start(kind: string, work: () => Promise<unknown>, options: RunOptions): Running {
    const { newId, now } = this.#runtime
    const operation: Operation = { id: newId(), kind, state: 'running', startedAt: now() }
    this.#operations.set(operation.id, operation)
    const end = (outcome: Partial<Operation>) => {
      Object.assign(operation, outcome, { finishedAt: now() })
      this.#running.delete(keyOf(kind, options))
    }
    const ended = work().then(
      (result) => end({ state: 'done', result }),
      (error: unknown) => end({ state: 'failed', error: asBorealError(error) }),
    )
    const running = { operation, ended, progress: options.progress }
    this.#running.set(keyOf(kind, options), running)
    this.#forgetOldest()
    return running
  }

  #forgetOldest(): void {
    for (const [id, { state }] of this.#operations) {
      if (this.#operations.size <= KEPT) return
      if (state !== 'running') this.#operations.delete(id)
    }
  }
}

interface Running {
  operation: Operation
  ended: Promise<void>
  progress: RunOptions['progress']
}

function keyOf(kind: string, { name = '' }: RunOptions): string {
  return `${kind} ${name}`
}

function asBorealError(error: unknown): BorealError {
  return error instanceof BorealError ? error : new BorealError('internal', messageOf(error), { cause: error })
}
