import type { Worker } from 'node:worker_threads'
import { limitOf, PROMPT, type RequestLimits } from './request-limits.ts'
import type { TableRequest, TableResponse } from './table-messages.ts'

/** What the SDK sends and gets, as far as it matters here. */
interface SdkRequest {
  headers: Record<string, string>
  body: Uint8Array
}

type SdkResponse = Pick<TableResponse, 'statusCode' | 'headers' | 'body'>

interface Waiting {
  resolve(answer: { response: SdkResponse }): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/**
 * Carries the SDK's requests to the embedded table in messages to its thread: the same request and the same answer as
 * through its port, at half the cost of an append, which is two processes' worth of sockets and HTTP otherwise.
 *
 * Invariant: it fails as a connection does. What was sent and not answered may have been carried out, and its error says
 * nothing; what comes after the thread's end was never sent, and its error says so (see dynamo-failure.ts).
 */
export class TableTransport {
  readonly metadata = { handlerProtocol: 'http/1.1' }
  readonly #worker: Worker
  readonly #limits: RequestLimits
  readonly #waiting = new Map<number, Waiting>()
  #sent = 0
  #ended = false

  constructor(worker: Worker, limits = PROMPT) {
    this.#worker = worker
    this.#limits = limits
    worker.on('message', (response: TableResponse) => this.#answer(response))
    worker.once('exit', () => this.#end())
  }

  handle({ headers, body }: SdkRequest): Promise<{ response: SdkResponse }> {
    if (this.#ended) return Promise.reject(failure('connect', 'ECONNREFUSED'))
    const id = ++this.#sent
    return new Promise((resolve, reject) => {
      const expire = () => this.#take(id)?.reject(timeout())
      const timer = setTimeout(expire, limitOf(headers, this.#limits))
      this.#waiting.set(id, { resolve, reject, timer })
      this.#worker.postMessage({ id, headers, body } satisfies TableRequest)
    })
  }

  /** Of the SDK's interface: its settings are those of sockets. */
  updateHttpClientConfig(): void {}
  httpHandlerConfigs(): Record<string, never> {
    return {}
  }

  #answer({ id, ...response }: TableResponse): void {
    this.#take(id)?.resolve({ response })
  }

  #end(): void {
    this.#ended = true
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(failure('read', 'ECONNRESET'))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(waiting?.timer)
    return waiting
  }
}

function failure(syscall: string, code: string): Error {
  return Object.assign(new Error(`${syscall} ${code}: the embedded table has ended`), { syscall, code })
}

function timeout(): Error {
  return Object.assign(new Error('the embedded table did not answer in time'), { name: 'TimeoutError' })
}
