import { onTestFinished } from 'vitest'
import { createApiHandler } from '../../lib/api/handler.ts'
import { serveHttp } from '../../lib/api/http-server.ts'
import { logStream } from '../../lib/api/log-stream.ts'
import { tokenOf } from '../../lib/api/tokens.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { memoryNode, type TestNodeOptions } from './memory-node.ts'
import type { Cleanup } from './temporary.ts'

export const ADMIN_TOKEN = 'admin-token-of-the-tests'
export const WRITE_TOKEN = 'write-token-of-the-tests'
export const READ_TOKEN = 'read-token-of-the-tests'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  body: any
}

/** The HTTP API of a node, as a client sees it. */
export class TestApi {
  readonly url: string
  readonly token: string
  /** Ms after which a client gives a request up. Default: never. */
  readonly timeoutMs: number | undefined

  constructor(url: string, token = ADMIN_TOKEN, timeoutMs?: number) {
    this.url = url
    this.token = token
    this.timeoutMs = timeoutMs
  }

  /** The same for a client that does not wait for ever. */
  patient(timeoutMs: number): TestApi {
    return new TestApi(this.url, this.token, timeoutMs)
  }

  as(token: string): TestApi {
    return new TestApi(this.url, token)
  }

  /** Sends a request as it is; a body that is no string goes as JSON. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(this.timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(this.timeoutMs) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path)
  }

  /** What came of a request that may take longer than it can wait for, as if it had waited. */
  async ended(answer: Answer): Promise<Answer> {
    for (let last = answer; ; ) {
      const { status, headers } = answer
      if (status !== 202) return answer
      if (last.body.state === 'done') return { status: 200, headers, body: last.body.result }
      if (last.body.state === 'failed') return { ...last, status: last.body.problem.status, body: last.body.problem }
      await new Promise((resolve) => setTimeout(resolve, 200))
      last = await this.get(headers.get('location')!)
    }
  }

  /** Submits operations, optionally with preconditions and a key. */
  transact(operations: unknown[], options: { preconditions?: unknown[]; key?: string } = {}): Promise<Answer> {
    const { preconditions, key } = options
    const body = { operations, ...(preconditions === undefined ? {} : { preconditions }) }
    return this.send('POST', '/v1/transactions', body, key === undefined ? {} : { 'idempotency-key': key })
  }

  /** Items of a list, all pages. */
  // biome-ignore lint/suspicious/noExplicitAny: records of every kind.
  async list(path: string): Promise<any[]> {
    const items: unknown[] = []
    for (let cursor: string | undefined; ; ) {
      const separator = path.includes('?') ? '&' : '?'
      const { body, status } = await this.get(cursor === undefined ? path : `${path}${separator}cursor=${cursor}`)
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`)
      items.push(...body.items)
      if (cursor !== undefined && cursor === body.nextCursor) throw new Error(`GET ${path}: a page leads to itself`)
      cursor = body.nextCursor
      if (cursor === undefined) return items
    }
  }

  query(sql: string, params: unknown[] = []): Promise<Answer> {
    return this.send('POST', '/v1/query', { sql, params })
  }

  /** Where the store stands and what it holds: two equal ones mean that nothing has changed in between. */
  async state(): Promise<{ lsn: number; digest: string }> {
    const { body } = await this.get('/v1/status?digest=true')
    return { lsn: body.appliedLsn, digest: body.digest }
  }
}

/** Serves a node over HTTP: for the time of the test, or of the file (`afterAll`). */
export async function serveNode(node: BorealNode, cleanup: Cleanup = onTestFinished, port = 0): Promise<TestApi> {
  const tokens = [
    tokenOf('admin', 'admin', ADMIN_TOKEN),
    tokenOf('writer', 'write', WRITE_TOKEN),
    tokenOf('reader', 'read', READ_TOKEN),
  ]
  const options = { node: () => node, tokens, logger: silentLogger }
  const server = await serveHttp(createApiHandler(options), { port, stream: logStream(options) })
  cleanup(() => server.close())
  return new TestApi(server.url)
}

/** The API of a node of its own, on a log in memory; or the deployed one that the environment names. */
export async function memoryApi(options: TestNodeOptions = {}): Promise<TestApi> {
  const deployed = process.env.BOREAL_TEST_URL
  if (deployed !== undefined) return new TestApi(deployed)
  const { node } = await memoryNode(options)
  return serveNode(node, options.cleanup)
}
