import type { MiddlewareObj } from '@middy/core'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type { FunctionLogger } from './logger.ts'

const HEADER = 'X-Correlation-Id'

/** What a client may choose: nothing that a log line or a header would have to quote. */
const PRINTABLE = /^[\w.:=;/-]{1,128}$/

/** Every line of the log and the answer carry the id of the request: the client's, else API Gateway's. */
export function correlation(logger: FunctionLogger): MiddlewareObj<APIGatewayProxyEvent, APIGatewayProxyResult> {
  const ids = new WeakMap<APIGatewayProxyEvent, string>()
  return {
    before: ({ event, context }) => {
      const given = Object.entries(event.headers ?? {}).find(
        ([name]) => name.toLowerCase() === HEADER.toLowerCase(),
      )?.[1]
      const id =
        given !== undefined && PRINTABLE.test(given) ? given : (event.requestContext?.requestId ?? context.awsRequestId)
      ids.set(event, id)
      logger.correlate(id)
    },
    after: ({ event, response }) => {
      const id = ids.get(event)
      if (response && id !== undefined) response.headers = { ...response.headers, [HEADER]: id }
    },
  }
}
