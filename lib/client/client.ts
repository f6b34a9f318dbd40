import type { Pool } from 'undici'
import { uuidv7 } from 'uuidv7'
import { BorealError, type ErrorCode, messageOf, STATUS_OF_CODE } from '../model/errors.ts'
import { loadHttpClient } from '../model/http-client.ts'
import type { TransactionAnswer } from '../model/transaction.ts'
import { repeatWhileOpen } from './repeat.ts'

export interface ClientOptions {
  url: string
  token?: string | undefined
  /** Connections at most. Default 64. */
  connections?: number
  /** Ms within which a request is repeated while nobody answers it definitely. Default 60,000. */
  retryForMs?: number
}

export interface ClientRequest {
  query?: Record<string, string | number | undefined>
  body?: unknown
  headers?: Record<string, string>
}

export interface ClientAnswer<T> {
  body: T
  /** The place of the log that the answer shows. */
  lsn: number | undefined
}

/** Codes after which the same request may well succeed; for writes the idempotency key makes it safe. */
const REPEATABLE = new Set<ErrorCode>([
  'outcome_unknown',
  'log_unavailable',
  'not_ready',
  'not_leader',
  'overloaded',
  'lsn_not_reached',
])

/** What is no answer of ours may have come from anything in between. */
function isOpen(error: unknown): boolean {
  return !(error instanceof BorealError) || REPEATABLE.has(error.code)
}

/**
 * A client of the HTTP API. Requests are repeated while the outcome is open; a transaction always carries a key
 * (UUIDv7), so it takes effect once. Remembers the store it first met and refuses to be answered by another.
 *
 * @example
 * const client = new BorealClient({ url: 'http://127.0.0.1:7070', token })
 * await client.submit({ operations: [{ op: 'saveQuota', role: 'www', quota }] })
 */
export class BorealClient {
  readonly #pool: Promise<Pool>
  readonly #prefix: string
  readonly #options: ClientOptions
  #storeId: string | undefined

  constructor(options: ClientOptions) {
    const url = new URL(options.url)
    this.#options = options
    this.#prefix = url.pathname.replace(/\/$/, '')
    const { connections = 64 } = options
    this.#pool = loadHttpClient().then(({ Pool }) => new Pool(url.origin, { connections, headersTimeout: 65_000 }))
  }

  /** Commits a transaction, once, however often it has to be sent. */
  async submit(transaction: unknown, key: string = uuidv7()): Promise<TransactionAnswer> {
    const headers = { 'idempotency-key': key }
    return (await this.request<TransactionAnswer>('POST', '/v1/transactions', { body: transaction, headers })).body
  }

  async get<T>(path: string, query: ClientRequest['query'] = {}): Promise<T> {
    return (await this.request<T>('GET', path, { query })).body
  }

  /** @throws BorealError as the server gave it, or `log_unavailable` when no server could be reached in time. */
  async request<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    request: ClientRequest = {},
  ): Promise<ClientAnswer<T>> {
    try {
      return await repeatWhileOpen(() => this.#once<T>(method, path, request), isOpen, this.#options.retryForMs)
    } catch (error) {
      throw unreachable(error, this.#options.url)
    }
  }

  async close(): Promise<void> {
    await (await this.#pool).close()
  }

  async #once<T>(method: 'GET' | 'POST' | 'DELETE', path: string, request: ClientRequest): Promise<ClientAnswer<T>> {
    const { statusCode, headers, body } = await (await this.#pool).request({
      method,
      path: this.#prefix + path + queryString(request.query),
      headers: {
        ...(this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` }),
        ...(this.#storeId === undefined ? {} : { 'boreal-store': this.#storeId }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      body: request.body === undefined ? null : JSON.stringify(request.body),
    })
    const text = await body.text()
    if (statusCode >= 400) throw errorOf(statusCode, text)
    this.#storeId ??= headers['boreal-store'] as string | undefined
    const lsn = headers['boreal-lsn']
    return { body: JSON.parse(text) as T, lsn: lsn === undefined ? undefined : Number(lsn) }
  }
}

function queryString(query: ClientRequest['query'] = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

function errorOf(status: number, text: string): Error {
  try {
    const { code, detail, errors, failed } = JSON.parse(text)
    if (code in STATUS_OF_CODE) return new BorealError(code, detail, { errors, failed })
  } catch {
    // Not ours: something between us and the server answered.
  }
  return new Error(`HTTP ${status}: ${text.slice(0, 200)}`)
}

function unreachable(error: unknown, url: string): Error {
  if (error instanceof BorealError) return error
  return new BorealError('log_unavailable', `no answer from ${url} (${messageOf(error)}); is the server running?`, {
    cause: error,
  })
}
