import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { toAttributes } from '../../../lib/log/dynamo-item.ts'
import type { LogItem } from '../../../lib/log/event-log.ts'
import { HttpClient } from '../http.ts'
import { runBoreal } from './boreal.ts'
import { ServerProcess } from './process.ts'

const PROXY = fileURLToPath(new URL('bench-delay-proxy.js', import.meta.url))

/** Name of the table that is made in it. */
export const DELAYED_TABLE = 'bench'

/** A table of its own process whose appends take longer: `boreal table` with a proxy before it. */
export class DelayedTable {
  readonly endpoint: string
  readonly #processes: ServerProcess[]

  private constructor(endpoint: string, processes: ServerProcess[]) {
    this.endpoint = endpoint
    this.#processes = processes
  }

  static async start(folder: string, delayMs: number): Promise<DelayedTable> {
    const table = runBoreal(['table', '--port', '0', '--data', folder])
    const [, tableUrl] = await table.said(/table at (http:\/\/[\w.:]+)/)
    const proxy = new ServerProcess(process.execPath, [PROXY, tableUrl!, String(delayMs)])
    const [, endpoint] = await proxy.said(/proxy at (http:\/\/[\w.:]+)/)
    return new DelayedTable(endpoint!, [proxy, table])
  }

  async stop(): Promise<void> {
    for (const each of this.#processes) await each.stop()
  }
}

/** A server that checks no signature still wants to see one. */
const HEADERS = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'DynamoDB_20120810.PutItem',
  'x-amz-date': '20260101T000000Z',
  authorization:
    'AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=bench',
}

/** The least that an append can take: a conditional PutItem of an item of the log, by a client that does nothing else. */
export class BarePutItem {
  readonly #http: HttpClient
  readonly #bodyBytes: number
  #next = 0

  constructor(endpoint: string, bodyBytes: number) {
    this.#http = new HttpClient(endpoint, 1, HEADERS)
    this.#bodyBytes = bodyBytes
  }

  async put(): Promise<void> {
    const request = {
      TableName: DELAYED_TABLE,
      Item: toAttributes(randomItem(this.#next++, this.#bodyBytes)),
      ConditionExpression: 'attribute_not_exists(pk)',
    }
    await this.#http.send('POST', '/', JSON.stringify(request, base64))
  }

  close(): Promise<void> {
    return this.#http.close()
  }
}

/** An item as large as one of the log, in a store that is nobody's. */
function randomItem(lsn: number, bodyBytes: number): LogItem {
  const hash = randomBytes(32).toString('hex')
  const id = '0'.repeat(26)
  return {
    ...{ lsn, format: 1, storeId: 'bare', writer: id, attempt: id, time: Date.now(), prev: hash, hash },
    ...{ codec: 'deflate', transactions: 1, bodyHash: hash, bodyBytes, body: randomBytes(bodyBytes) },
  }
}

/** Binary attributes in JSON. A buffer has become an object before it gets here. */
function base64(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] }
  return type === 'Buffer' ? Buffer.from(data!).toString('base64') : value
}
