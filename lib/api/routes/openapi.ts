import * as z from 'zod'
import { openApiDocument } from '../openapi.ts'
import type { Route } from '../route.ts'

/** Serves the document about the other routes. */
export function openApiRoute(documented: readonly Route[]): Route {
  let body: string | undefined
  return {
    method: 'GET',
    path: '/openapi.json',
    name: 'getOpenApi',
    summary: 'This document',
    answer: z.object({}),
    handle: () => {
      body ??= JSON.stringify(openApiDocument(documented))
      return { body }
    },
  }
}
