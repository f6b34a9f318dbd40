import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Runtime } from '../model/runtime.ts'
import { limitOf, PROMPT, type RequestLimits } from './request-limits.ts'
import { ServerClockEstimate } from './server-clock.ts'
import type { TableTransport } from './table-transport.ts'

export interface DynamoClientOptions {
  /** Anything that speaks DynamoDB; default: AWS, or `AWS_ENDPOINT_URL` as the SDK reads it. */
  endpoint?: string | undefined
  /** How long requests may take. What is not said is as in PROMPT. */
  limits?: Partial<RequestLimits> | undefined
  /** Carries the requests instead of HTTP, to the table at the endpoint, within limits of its own. */
  transport?: TableTransport | undefined
}

/** Servers on this machine want signed requests and check no signature. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' }

/** A signature is five hashes and a tenth of the cost of a small append: for servers that check none, its form is enough. */
const LOCAL_AUTHENTICATION: Pick<DynamoDBClientConfig, 'credentials' | 'signer'> = {
  credentials: LOCAL_CREDENTIALS,
  signer: {
    sign: async (request) => {
      request.headers['x-amz-date'] = '20000101T000000Z'
      request.headers.authorization =
        `AWS4-HMAC-SHA256 Credential=${LOCAL_CREDENTIALS.accessKeyId}/20000101/us-east-1/dynamodb/aws4_request, ` +
        `SignedHeaders=host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`
      return request
    },
  },
}

/** Whether an endpoint is on this machine. */
export function isLoopback(endpoint: string | undefined): boolean {
  return endpoint !== undefined && /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/.test(endpoint)
}

/**
 * A client that never retries: the SDK's own retry would turn an applied put whose answer was lost into a failed
 * condition, and our loop must know of every request; but for a read whose connection was lost, which is asked again once. Every answer's `Date` header feeds the server clock.
 */
export function createDynamoClient(
  options: DynamoClientOptions,
  runtime: Runtime,
): { client: DynamoDBClient; serverClock: ServerClockEstimate } {
  const serverClock = new ServerClockEstimate(runtime)
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_DYNAMODB ?? process.env.AWS_ENDPOINT_URL
  const client = new DynamoDBClient({
    maxAttempts: 1,
    cacheMiddleware: true,
    base64Decoder,
    ...(endpoint === undefined ? {} : { endpoint, region: process.env.AWS_REGION ?? 'us-east-1' }),
    ...(isLoopback(endpoint) && process.env.AWS_ACCESS_KEY_ID === undefined ? LOCAL_AUTHENTICATION : {}),
    requestHandler: options.transport ?? new LimitedHandler({ ...PROMPT, ...options.limits }),
  })
  client.middlewareStack.add(
    (next) => async (args) => {
      const sentAt = runtime.monotonic()
      const result = await next(args)
      const headers = (result.response as { headers?: Record<string, string> }).headers
      if (headers?.date !== undefined) serverClock.observe(sentAt, runtime.monotonic(), Date.parse(headers.date))
      return result
    },
    { step: 'deserialize', name: 'serverClock', priority: 'low' },
  )
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        try {
          return await next(args)
        } catch (error) {
          if (!READS.has(commandName) || !isLostConnection(error)) throw error
          return next(args)
        }
      },
    { step: 'initialize', name: 'readAgain' },
  )
  // Nobody has given it a logger; it filters what it would say all the same, a twentieth of what a put costs here.
  client.middlewareStack.remove('loggerMiddleware')
  return { client, serverClock }
}

/** HTTP, in which every request has the limit of its kind. */
class LimitedHandler extends NodeHttpHandler {
  readonly #limits: RequestLimits

  constructor(limits: RequestLimits) {
    super({ connectionTimeout: limits.connectMs, throwOnRequestTimeout: true })
    this.#limits = limits
  }

  override handle(...[request, options]: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    const requestTimeout = limitOf(request.headers, this.#limits)
    return super.handle(request, Object.assign({}, options, { requestTimeout }))
  }
}

/** The SDK's looks at every character first. What is damaged does not fit its checksum in any case. */
function base64Decoder(text: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = Buffer.from(text, 'base64')
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Whoever was frozen or busy for long holds connections that the server has closed since, and learns it by using them. */
function isLostConnection(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'ECONNRESET' || code === 'EPIPE'
}

/** What may be asked twice. A put must not: our loop has to know of every one that was sent. */
const READS = new Set(['GetItemCommand', 'QueryCommand'])
