import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What came of an invocation: an answer, or the error that the runtime client reported. */
export interface Outcome<Answer> {
  answer?: Answer
  error?: { errorType: string; errorMessage: string }
  /** Ms until then. */
  ms: number
  /** Ms that were left before the function's time-out. */
  leftMs: number
}

interface Invocation {
  id: string
  event: string
  deadlineMs: number
  end(reported: { answer?: unknown; error?: Outcome<never>['error'] }): void
}

/**
 * Lambda's runtime API for one environment: hands out one invocation after the other and takes what came of each
 * (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
 */
export class RuntimeApi {
  /** When the environment asked for its first invocation: its init has ended. */
  readonly initialized: Promise<void>
  readonly #server: Server
  readonly #waiting: Invocation[] = []
  readonly #running = new Map<string, Invocation>()
  #asking: ServerResponse | undefined
  #count = 0
  #onInit: { resolve(): void; reject(error: Error): void } = { resolve: () => undefined, reject: () => undefined }

  private constructor() {
    this.initialized = new Promise((resolve, reject) => (this.#onInit = { resolve, reject }))
    this.initialized.catch(() => undefined)
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<RuntimeApi> {
    const api = new RuntimeApi()
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  /** As `AWS_LAMBDA_RUNTIME_API` has it. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Ends the environment's side, too: it asks for nothing more. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** What the environment will never answer ends with an error. */
  fail(reason: string): void {
    const error = { errorType: 'Environment', errorMessage: reason }
    this.#onInit.reject(new Error(reason))
    for (const invocation of [...this.#waiting, ...this.#running.values()]) invocation.end({ error })
  }

  /** Hands an event to the function. */
  invoke<Answer>(event: unknown, timeoutMs: number): Promise<Outcome<Answer>> {
    const startedAt = performance.now()
    return new Promise((resolve) => {
      this.#waiting.push({
        id: `invocation-${++this.#count}`,
        event: JSON.stringify(event),
        deadlineMs: Date.now() + timeoutMs,
        end: ({ answer, error }) => {
          const ms = performance.now() - startedAt
          resolve({ ms, leftMs: timeoutMs - ms, ...(error === undefined ? { answer: answer as Answer } : { error }) })
        },
      })
      this.#hand()
    })
  }

  #hand(): void {
    const invocation = this.#asking === undefined ? undefined : this.#waiting.shift()
    if (invocation === undefined) return
    const response = this.#asking!
    this.#asking = undefined
    this.#running.set(invocation.id, invocation)
    response.writeHead(200, {
      'content-type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': invocation.id,
      'Lambda-Runtime-Deadline-Ms': String(invocation.deadlineMs),
      'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:000000000000:function:boreal',
    })
    response.end(invocation.event)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').replace('/2018-06-01/runtime/', '')
    if (path === 'invocation/next') {
      this.#onInit.resolve()
      this.#asking = response
      this.#hand()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    response.writeHead(202).end('{"status":"OK"}')
    if (path === 'init/error') return this.fail(`the init failed: ${text}`)
    const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    const invocation = this.#running.get(id ?? '')
    if (invocation === undefined) throw new Error(`the runtime client asked for ${request.method} ${request.url}`)
    this.#running.delete(invocation.id)
    const body = text === '' ? undefined : JSON.parse(text)
    invocation.end(what === 'response' ? { answer: body } : { error: body })
  }
}
