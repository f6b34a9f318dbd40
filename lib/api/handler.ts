import middy, { type MiddyfiedHandler } from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type * as z from 'zod'
import type { BorealNode } from '../node/node.ts'
import type { ApiOptions } from './api-options.ts'
import { atLeader } from './at-leader.ts'
import { checkStore } from './check-store.ts'
import { Forwarder } from './forward.ts'
import { problemMiddleware } from './problem-middleware.ts'
import { isOfPast } from './read-options.ts'
import { parseBody } from './request-body.ts'
import type { Route } from './route.ts'
import { matchRoute, parse, type RouteMatch, validated } from './router.ts'
import { routes } from './routes.ts'
import { authenticate, authorize, type Principal } from './tokens.ts'

/** An event of API Gateway, or of the embedded server, which may have found a fault before there was an event. */
export interface ApiEvent extends APIGatewayProxyEvent {
  refusal?: Error
}

/** An answer of API Gateway, except that a large body may still be the bytes of its text, in UTF-8. */
export interface ApiResult extends Omit<APIGatewayProxyResult, 'body'> {
  body: string | Buffer
}

export type ApiHandler = MiddyfiedHandler<ApiEvent, ApiResult>

/** Who asks where no token is needed. */
const ANYBODY: Principal = { name: 'anybody', scope: 'read' }

/**
 * The API as a Lambda handler for API Gateway REST events; the embedded server calls the same one. The order is: route,
 * token, store, input, work. So whoever may not ask learns nothing about the store.
 */
export function createApiHandler(options: ApiOptions): ApiHandler {
  const forwarder = new Forwarder()
  const handle = async (event: ApiEvent): Promise<ApiResult> => {
    if (event.refusal !== undefined) throw event.refusal
    const { route, params } = matchRoute(routes, event.httpMethod, event.path)
    const headers = event.headers as Record<string, string | undefined>
    const principal = route.scope === undefined ? ANYBODY : authenticate(options.tokens, headers.authorization)
    if (route.scope !== undefined) authorize(principal, route.scope)
    const node = await options.node()
    checkStore(headers['boreal-store'], node.storeId)
    const here = () => handleHere(event, { node, principal, match: { route, params }, headers })
    const { leadership } = node
    if (route.atLeader === undefined || leadership === undefined) return here()
    return atLeader(route.atLeader, here, { event, leadership, forwarder, runtime: node.runtime })
  }
  return middy<ApiEvent, ApiResult>().use(httpHeaderNormalizer()).use(problemMiddleware(options)).handler(handle)
}

interface Work {
  node: BorealNode
  principal: Principal
  match: RouteMatch
  headers: Record<string, string | undefined>
}

/** The work itself, at this node. */
async function handleHere(event: ApiEvent, { node, principal, match, headers }: Work): Promise<ApiResult> {
  const { route, params } = match
  const query = (event.multiValueQueryStringParameters ?? {}) as Record<string, string[]>
  const input = validated(route, params, query)
  const body = route.body === undefined ? undefined : validBody(route.body, route, parseBody(event, headers))
  const answer = await route.handle({
    node,
    principal,
    headers,
    body,
    storeId: node.storeId,
    // Inside an entry records change without another version.
    records: isOfPast(input.query as object) ? undefined : node.records,
    ...input,
  })
  return {
    statusCode: answer.status ?? 200,
    headers: { 'Content-Type': 'application/json', 'Boreal-Store': node.storeId, ...answer.headers },
    body: answer.body,
  }
}

/** The body as the route's schema gives it. */
function validBody(schema: z.ZodType, { checkSize }: Route, body: unknown): unknown {
  checkSize?.(body)
  return parse(schema, body, '')
}
