import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Runtime } from '../model/runtime.ts'
import { ServerClockEstimate } from './server-clock.ts'

export interface DynamoClientOptions {
  /** Anything that speaks DynamoDB; default: AWS, or `AWS_ENDPOINT_URL` as the SDK reads it. */
  endpoint?: string | undefined
  region?: string | undefined
  /** How long one request may take, ms. Default 1,000. */
  requestTimeoutMs?: number | undefined
}

/**
 * A client that never retries: the SDK's own retry would turn an applied put whose answer was lost into a failed
 * condition, and our loop must know of every request. Every answer's `Date` header feeds the server clock.
 */
export function createDynamoClient(
  options: DynamoClientOptions,
  runtime: Runtime,
): { client: DynamoDBClient; serverClock: ServerClockEstimate } {
  const serverClock = new ServerClockEstimate(runtime)
  const client = new DynamoDBClient({
    maxAttempts: 1,
    ...(options.endpoint === undefined
      ? {}
      : // Something local: it wants signed requests and checks no signature.
        { endpoint: options.endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
    ...(options.region === undefined && options.endpoint === undefined ? {} : { region: options.region ?? 'us-east-1' }),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 500,
      requestTimeout: options.requestTimeoutMs ?? 1_000,
      throwOnRequestTimeout: true,
    }),
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
  return { client, serverClock }
}
