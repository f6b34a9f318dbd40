import { MessageChannel, Worker } from 'node:worker_threads'
import { messageOf } from '../model/errors.ts'
import { threadEntry } from '../model/thread-entry.ts'
import { type Engine, queryResult, type RunOptions } from './engine.ts'
import { EngineDied } from './engine-died.ts'
import { type StoreImage, serveParts } from './image-parts.ts'
import type { Procedure } from './procedure.ts'
import { decodeResults } from './protocol.ts'
import type { ResultSet } from './result-set.ts'
import type { Statement } from './statement.ts'
import type { EngineAnswer, EngineReady, EngineRequest, EngineThreadData } from './thread-messages.ts'

/** A request as the caller knows it, before it has its number. */
type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never

interface Waiting {
  resolve(answer: EngineAnswer): void
  reject(error: Error): void
}

/**
 * An engine in a thread of its own. Statements run beside the caller instead of blocking it, and a statement that
 * never ends can be ended: WASM takes no signals, so `statement_timeout` is without effect and killing the thread is
 * the only way (it takes some 30 ms).
 */
export class ThreadEngine implements Engine {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #onDeath: ((reason: string) => void) | undefined
  #nextId = 0
  #dead: string | undefined

  private constructor(worker: Worker, onDeath?: (reason: string) => void) {
    this.#worker = worker
    this.#onDeath = onDeath
    worker.on('message', (answer: EngineAnswer) => this.#receive(answer))
    worker.on('error', (error) => this.#die(messageOf(error)))
    worker.on('exit', (code) => this.#die(`its thread exited with code ${code}`))
  }

  /**
   * Boots from an image; `onDeath` hears when it ends by itself or is killed with a reason. The entry of the thread says
   * which procedures it knows.
   */
  static async boot(
    { parts, wasm }: StoreImage,
    onDeath?: (reason: string) => void,
    entry = 'engine-thread',
  ): Promise<ThreadEngine> {
    const { port1, port2 } = new MessageChannel()
    serveParts(port1, parts)
    const workerData: EngineThreadData = { image: port2, parts: parts.count, wasm }
    // Flags of the program (a loader, an evaluated text) are none of the thread's business, and some would break it.
    const worker = new Worker(threadEntry(entry), { workerData, transferList: [port2], execArgv: [] })
    const ready = await new Promise<EngineReady>((resolve) => {
      worker.once('message', resolve)
      worker.once('error', (error) => resolve({ ready: false, failure: messageOf(error) }))
      worker.once('exit', (code) => resolve({ ready: false, failure: `its thread exited with code ${code}` }))
    })
    port1.close()
    if (!ready.ready) {
      await worker.terminate()
      throw new EngineDied(`it could not boot: ${ready.failure}`)
    }
    return new ThreadEngine(worker, onDeath)
  }

  get alive(): boolean {
    return this.#dead === undefined
  }

  async run(statements: Statement[], options: RunOptions = {}): Promise<ResultSet[]> {
    const answer = await this.#ask({ kind: 'run', statements, options })
    return decodeResults((answer as { bytes: Uint8Array }).bytes)
  }

  async call<Input, Output>(
    { name }: Procedure<Input, Output>,
    input: Input,
    ahead: Statement[] = [],
  ): Promise<Output> {
    const answer = await this.#ask({ kind: 'call', name, input, ahead })
    return (answer as { output: Output }).output
  }

  async query(statement: Statement, maxRows: number): Promise<ResultSet> {
    const answer = await this.#ask({ kind: 'query', statement, maxRows })
    return queryResult((answer as { bytes: Uint8Array }).bytes, maxRows)
  }

  async memory(): Promise<number> {
    return ((await this.#ask({ kind: 'memory' })) as { memory: number }).memory
  }

  async *image(): AsyncGenerator<Uint8Array> {
    for (let first = true; ; first = false) {
      const { bytes } = (await this.#ask({ kind: 'image', first })) as { bytes: Uint8Array }
      if (bytes.byteLength === 0) return
      yield bytes
    }
  }

  async kill(reason?: string): Promise<void> {
    this.#die(reason)
    await this.#worker.terminate()
  }

  #ask(request: Unnumbered<EngineRequest>): Promise<EngineAnswer> {
    if (this.#dead !== undefined) return Promise.reject(new EngineDied(this.#dead))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...request } satisfies EngineRequest)
    })
  }

  #receive(answer: EngineAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('failure' in answer) {
      waiting?.reject(new EngineDied(answer.failure))
      this.#die(answer.failure)
    } else if ('error' in answer) waiting?.reject(new Error(answer.error))
    else waiting?.resolve(answer)
  }

  /** Without a reason it was meant to end, and nobody needs to hear of it. */
  #die(reason?: string): void {
    if (this.#dead !== undefined) return
    this.#dead = reason ?? 'it was stopped'
    for (const { reject } of this.#waiting.values()) reject(new EngineDied(this.#dead))
    this.#waiting.clear()
    if (reason !== undefined) this.#onDeath?.(reason)
  }
}
