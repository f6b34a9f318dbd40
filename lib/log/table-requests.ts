import type { Server } from 'node:http'
import type { TableRequest, TableResponse } from './table-messages.ts'

/** Has the server answer a request that came without a connection. */
export function answerRequest(server: Server, request: TableRequest): Promise<TableResponse> {
  return new Promise((resolve) => {
    const incoming = new Incoming(request.headers)
    const outgoing = new Outgoing((answer) => resolve({ id: request.id, ...answer }))
    server.emit('request', incoming, outgoing)
    incoming.receive(request.body)
  })
}

/** As much of a request as dynalite looks at. */
class Incoming {
  readonly method = 'POST'
  readonly url = '/'
  readonly headers: Record<string, string>
  readonly #listeners = new Map<string, (data?: Buffer) => void>()

  constructor(headers: Record<string, string>) {
    this.headers = headers
  }

  on(event: string, listener: (data?: Buffer) => void): this {
    this.#listeners.set(event, listener)
    return this
  }

  removeAllListeners(): this {
    this.#listeners.clear()
    return this
  }

  receive({ buffer, byteOffset, byteLength }: Uint8Array): void {
    this.#listeners.get('data')?.(Buffer.from(buffer, byteOffset, byteLength))
    this.#listeners.get('end')?.()
  }
}

/** As much of a response as dynalite uses. */
class Outgoing {
  statusCode = 200
  readonly #headers: Record<string, string> = { date: new Date().toUTCString() }
  readonly #ended: (answer: Omit<TableResponse, 'id'>) => void

  constructor(ended: (answer: Omit<TableResponse, 'id'>) => void) {
    this.#ended = ended
  }

  setHeader(name: string, value: unknown): this {
    this.#headers[name.toLowerCase()] = String(value)
    return this
  }

  end(body = ''): this {
    this.#ended({ statusCode: this.statusCode, headers: this.#headers, body: new TextEncoder().encode(body) })
    return this
  }
}
