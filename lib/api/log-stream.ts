import { pipeline, Readable } from 'node:stream'
import * as z from 'zod'
import { LOG_STREAM_PATH } from '../log/stream-format.ts'
import { BorealError } from '../model/errors.ts'
import type { ApiOptions } from './api-options.ts'
import { checkStore } from './check-store.ts'
import type { StreamRoute } from './http-server.ts'
import { queryValues, wholeNumber } from './read-options.ts'
import { parseTarget } from './request-target.ts'
import { parse } from './router.ts'
import { authenticate, authorize } from './tokens.ts'

const QUERY = z.strictObject({ after: wholeNumber })

/** Ms after which a follower that reads nothing is given up. */
const STUCK_MS = 30_000

/** Ms that a follower has to take the last lines when the node stops. */
const FAREWELL_MS = 1_000

/**
 * Sends entries as they become durable: `GET /v1/log-stream?after=N`. Needs an admin token, because what is sent has
 * everybody's idempotency keys. Nothing is kept for a follower: one that is too slow is told so, and reads the log.
 */
export function logStream({ node, tokens }: Pick<ApiOptions, 'node' | 'tokens'>): StreamRoute {
  return {
    path: LOG_STREAM_PATH,
    async handle(request, response, stopping) {
      if (request.method !== 'GET') {
        throw new BorealError('method_not_allowed', `${LOG_STREAM_PATH} takes GET, not ${request.method}`)
      }
      authorize(authenticate(tokens, request.headers.authorization), 'admin')
      const { storeId, feed } = await node()
      checkStore(request.headers['boreal-store']?.toString(), storeId)
      const { query } = parseTarget(request.url!)
      const { after } = parse(QUERY, queryValues(QUERY, query), 'query') as z.infer<typeof QUERY>
      if (feed === undefined) {
        throw new BorealError('not_available', 'nobody can follow this node: its table is open to no other process')
      }
      request.resume()
      request.socket.setTimeout(STUCK_MS, () => request.socket.destroy())
      const headers = { 'Content-Type': 'application/x-ndjson', 'Boreal-Store': storeId, Connection: 'close' }
      response.writeHead(200, headers)
      const lines = Readable.from(feed.lines(after, stopping), { objectMode: true, highWaterMark: 1 })
      // Whoever has gone is no error of ours; the generator ends with its reader.
      const hurry = () => setTimeout(() => response.destroy(), FAREWELL_MS).unref()
      stopping.addEventListener('abort', hurry)
      pipeline(lines, response, () => stopping.removeEventListener('abort', hurry))
    },
  }
}
