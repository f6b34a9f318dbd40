import { Pool } from 'undici'

/** Connections to a server, kept open; the same client for every system, so that its cost is the same. */
export class HttpClient {
  readonly #pool: Pool
  readonly #headers: Record<string, string>

  constructor(url: string, connections: number, headers: Record<string, string> = {}) {
    this.#pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 120_000, bodyTimeout: 120_000 })
    this.#headers = { 'content-type': 'application/json', ...headers }
  }

  /** The body of the answer. Throws when the status is not 200, or 202. */
  async send(method: 'GET' | 'POST', path: string, body?: string, headers?: Record<string, string>): Promise<string> {
    const answer = await this.#pool.request({
      method,
      path,
      body: body ?? null,
      headers: headers === undefined ? this.#headers : { ...this.#headers, ...headers },
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200 && answer.statusCode !== 202)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 500)}`)
    return text
  }

  close(): Promise<void> {
    return this.#pool.close()
  }
}
