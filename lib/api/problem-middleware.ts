import type { MiddlewareObj } from '@middy/core'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { ApiOptions } from './api-options.ts'
import type { ApiEvent, ApiResult } from './handler.ts'
import { PROBLEM_TYPE, problemOf } from './problem.ts'

/** Turns whatever was thrown into problem+json. What is not ours is logged with its stack and shown without. */
export function problemMiddleware({
  logger,
  node,
}: Pick<ApiOptions, 'logger' | 'node'>): MiddlewareObj<ApiEvent, ApiResult> {
  return {
    onError: async (request) => {
      const { error, event } = request
      const problem = problemOf(error)
      if (problem.code === 'internal') {
        logger.error('request failed', { method: event.httpMethod, path: event.path, error: error?.stack })
      }
      const storeId = await storeIdOf(node)
      const { retryAfter, allow } = isBorealError(error) ? error : {}
      request.response = {
        statusCode: problem.status,
        headers: {
          'Content-Type': PROBLEM_TYPE,
          ...(storeId === undefined ? {} : { 'Boreal-Store': storeId }),
          ...(allow === undefined ? {} : { Allow: allow.join(', ') }),
          ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
          ...(error instanceof BorealError && problem.code === 'unauthenticated'
            ? { 'WWW-Authenticate': 'Bearer' }
            : {}),
        },
        body: JSON.stringify(problem),
      }
    },
  }
}

/** Every answer carries the store id, if there is a node to tell it. */
async function storeIdOf(node: ApiOptions['node']): Promise<string | undefined> {
  try {
    return (await node()).storeId
  } catch {
    return undefined
  }
}
