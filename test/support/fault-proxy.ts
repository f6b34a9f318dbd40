import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What a proxy does with a request that matches. */
export type Fault =
  /** Passes it on, waits for the answer, and breaks the connection instead of giving it. */
  | { kind: 'lose-answer' }
  /** Breaks the connection without passing anything on. */
  | { kind: 'lose-request' }
  /** Breaks the connection now, and passes the request on later all the same. */
  | { kind: 'deliver-late'; afterMs: number }
  /** Passes it on after a pause; the client may have given up by then. */
  | { kind: 'delay'; ms: number }
  /** Passes it on at once and gives the answer after a pause. */
  | { kind: 'delay-answer'; ms: number }
  /** Answers by itself; a text goes as it is, anything else as JSON. */
  | { kind: 'answer'; status: number; body?: unknown }

export type Rule = (operation: string, body: string) => Fault | undefined

/**
 * A proxy in front of a DynamoDB or S3 server that loses, delays and repeats what passes through it. Rules see the
 * operation (`PutItem`, or method and path where there is none) and the body.
 */
export class FaultProxy {
  readonly url: string
  /** Requests seen, by operation. */
  readonly seen: string[] = []
  /** Requests that the server behind has answered, by operation, whether or not the answer was given. */
  readonly answered: string[] = []
  #rule: Rule
  readonly #target: URL
  readonly #late = new Set<NodeJS.Timeout>()

  private constructor(url: string, target: URL) {
    this.url = url
    this.#target = target
    this.#rule = () => undefined
  }

  static async start(target: string): Promise<FaultProxy> {
    let proxy: FaultProxy | undefined
    const server = createServer((incoming, outgoing) => void proxy?.handle(incoming, outgoing))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    proxy = new FaultProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, new URL(target))
    onTestFinished(async () => {
      for (const timer of proxy.#late) clearTimeout(timer)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
    return proxy
  }

  /** Sets the rule for everything that comes from now on. */
  use(rule: Rule): void {
    this.#rule = rule
  }

  /** Applies a fault to the next request of an operation, then passes everything on again. */
  once(operation: string, fault: Fault): void {
    this.use((seen) => {
      if (seen !== operation) return undefined
      this.pass()
      return fault
    })
  }

  /** Passes everything on. */
  pass(): void {
    this.use(() => undefined)
  }

  async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const target = incoming.headers['x-amz-target']
    const operation = typeof target === 'string' ? target.split('.').at(-1)! : `${incoming.method} ${incoming.url}`
    this.seen.push(operation)
    const fault = this.#rule(operation, body.toString('utf8'))
    switch (fault?.kind) {
      case undefined:
        return this.#forward(operation, incoming, body, outgoing)
      case 'lose-request':
        return void incoming.socket.destroy()
      case 'lose-answer':
        return this.#forward(operation, incoming, body, undefined).then(() => void incoming.socket.destroy())
      case 'deliver-late':
        this.#later(fault.afterMs, () => this.#forward(operation, incoming, body, undefined))
        return void incoming.socket.destroy()
      case 'delay':
        this.#later(fault.ms, () => this.#forward(operation, incoming, body, outgoing))
        return
      case 'delay-answer':
        return this.#forward(operation, incoming, body, outgoing, fault.ms)
      case 'answer':
        outgoing.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.0' })
        outgoing.end(typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body ?? {}))
    }
  }

  #later(ms: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#late.delete(timer)
      void work()
    }, ms)
    this.#late.add(timer)
  }

  #forward(
    operation: string,
    incoming: IncomingMessage,
    body: Buffer,
    outgoing: ServerResponse | undefined,
    pauseMs = 0,
  ): Promise<void> {
    return new Promise((resolve) => {
      const { hostname, port } = this.#target
      const forwarded = request(
        { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('end', () => {
            this.answered.push(operation)
            const give = () => {
              outgoing?.writeHead(answer.statusCode ?? 502, answer.headers)
              outgoing?.end(Buffer.concat(chunks))
              resolve()
            }
            if (pauseMs === 0) give()
            else this.#later(pauseMs, async () => give())
          })
        },
      )
      forwarded.on('error', () => {
        outgoing?.destroy()
        resolve()
      })
      forwarded.end(body)
    })
  }
}
