import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import { invalid } from './problem.ts'
import { queryValues } from './read-options.ts'
import type { Route } from './route.ts'

/** Finds routes and validates what comes with a request. */

export interface RouteMatch {
  route: Route
  /** Path parameters, decoded. */
  params: Record<string, string>
}

const patterns = new WeakMap<Route, RegExp>()

function patternOf(route: Route): RegExp {
  return getOrInsert(patterns, route, () => {
    const source = route.path.replaceAll('.', '\\.').replace(/\{([A-Za-z]+)\}/g, '(?<$1>[^/]+)')
    return new RegExp(`^${source}/?$`)
  })
}

/**
 * The route of a request.
 *
 * @throws BorealError `no_route` for an unknown path, `method_not_allowed` for a known one with another method.
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const allowed: string[] = []
  for (const route of routes) {
    const match = patternOf(route).exec(path)
    if (match === null) continue
    if (route.method === method) return { route, params: decoded(match.groups ?? {}) }
    allowed.push(route.method)
  }
  if (allowed.length > 0) {
    const takes = allowed.join(' and ')
    throw new BorealError('method_not_allowed', `${path} takes ${takes}, not ${method}`, { allow: allowed })
  }
  throw new BorealError('no_route', `there is no route ${path}; GET /openapi.json lists them`)
}

function decoded(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]))
  } catch {
    throw new BorealError('malformed', 'the path has a broken percent-encoding')
  }
}

const NO_PARAMETERS = z.strictObject({})

/** Path and query parameters as the route's schemas give them. */
export function validated(route: Route, params: Record<string, string>, query: Record<string, string[]>) {
  const querySchema = route.query ?? NO_PARAMETERS
  return {
    params: route.params === undefined ? {} : parse(route.params, params, 'path'),
    query: parse(querySchema, queryValues(querySchema, query), 'query'),
  }
}

/** @throws BorealError `invalid_field` with what is wrong where. */
export function parse(schema: NonNullable<Route['body']>, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (!result.success) throw invalid(result.error, where)
  return result.data
}
