import * as z from 'zod'
import { openApiDocument } from '../openapi.ts'
import type { Route } from '../route.ts'

/** Serves the document about the routes, this one among them. */
export function openApiRoute(routes: readonly Route[]): Route {
  let body: string | undefined
  return {
    method: 'GET',
    path: '/openapi.json',
    name: 'getOpenApi',
    summary: 'This document',
    answer: z.looseObject({ openapi: z.string() }),
    handle: () => {
      body ??= JSON.stringify(openApiDocument(routes))
      return { body }
    },
  }
}
