import * as z from 'zod'
import { quarantineRecord } from '../../log/quarantine.ts'
import { BorealError, messageOf } from '../../model/errors.ts'
import { lsn } from '../../model/scalars.ts'
import type { Route } from '../route.ts'

const status = z.object({
  storeId: z.string(),
  role: z.enum(['writer', 'leader', 'follower']).describe('writer: without leases every node writes'),
  lsn: lsn.describe('the end of the log as this node knows it'),
  appliedLsn: lsn,
  startsAt: lsn.describe(
    "LSN at which the store's log begins: 0, or where a clone or a restored store left its parent",
  ),
  digest: z.string().optional().describe('state digest at appliedLsn'),
  schemaVersion: z.int(),
  format: z.int().describe('which events the log may hold; GET /v1/upgrade'),
  writerTerm: z.int().describe('one more with every change of who leads; 0 without leases'),
  writer: z.string(),
  leader: z
    .object({
      endpoint: z.string(),
      writer: z.string(),
      term: z.int(),
      expiresInMs: z.int().describe('below 0 when it goes on appending without renewing its lease'),
    })
    .optional()
    .describe('with leases, who leads and is alive'),
  lag: z
    .object({
      entries: z.int().describe('entries that this node knows of, and its slowest store does not have yet'),
      ms: z.int().describe('since it last knew that it had everything'),
    })
    .describe('how far the node is behind the log'),
  time: z.int().describe('server time'),
  clockSkewMs: z.int(),
  tailAgeMs: z.int(),
  uptimeMs: z.int(),
  waiting: z.int().describe('transactions that wait for their turn'),
  conflicts: z.int().describe('appends since the start for which another writer of the table was ahead'),
  storeBytes: z.int().describe("memory of the writer's engine"),
  storeLimitBytes: z.int().describe('the watermark: with so much memory of the engine additions are refused'),
  storeFull: z.boolean().describe('additions are refused'),
  process: z.object({
    rssBytes: z.int().describe('memory of the process, all stores together'),
    heapBytes: z.int().describe("JavaScript heap of the main thread; an engine's memory is not in it"),
  }),
  housekeeping: z
    .object({
      slices: z.int().describe('pieces of maintenance done since the start: one statement about one table each'),
      putOff: z.int().describe('how often one was put off because somebody waited'),
      longestMs: z.int(),
    })
    .describe('checkpoints, vacuums and analyzes of the stores'),
  past: z
    .array(
      z.object({
        lsn,
        index: z.int().optional(),
        state: z.enum(['open', 'opening', 'failed', 'closed']),
        users: z.int().describe('reads that use it or wait for it'),
      }),
    )
    .describe('earlier states that are open; each takes the memory of a reader'),
  replay: z
    .object({
      lsn,
      targetLsn: lsn,
      events: z.int(),
      eventsPerSecond: z.int(),
      etaMs: z.int().optional(),
    })
    .optional()
    .describe("how far the writer's store has got that is being built anew from the log"),
  quarantined: z.array(quarantineRecord).optional().describe('entries of the log that every store steps over'),
  stopped: z
    .object({ code: z.string(), detail: z.string() })
    .optional()
    .describe('what in the log this node cannot go beyond: it serves weak reads, and is to be replaced'),
  followers: z.int().describe('nodes to which this one pushes entries as they become durable'),
  follows: z
    .object({
      leader: z.string().describe('whose entries are, or were last, pushed to this node'),
      pushed: z.boolean().describe('whether they are now; else this node polls the log'),
      failure: z.string().optional().describe('why not, or why not before'),
    })
    .optional(),
  readers: z.array(
    z.object({
      appliedLsn: lsn,
      load: z.int().describe('reads and steps handed over and not yet done'),
      bytes: z.int().optional().describe('memory of its engine'),
    }),
  ),
})

const getStatus: Route = {
  method: 'GET',
  path: '/v1/status',
  name: 'getStatus',
  summary: 'The node: where it stands, its readers, memory and clock; with digest=true also the digest of the state',
  scope: 'read',
  query: z.strictObject({ digest: z.enum(['true', 'false']).optional() }),
  answer: status,
  async handle({ node, query }) {
    const figures = await node.status()
    if (query.digest !== 'true') return { body: JSON.stringify(figures) }
    const { lsn, digest } = await node.digest()
    return { body: JSON.stringify({ ...figures, lsn: Math.max(figures.lsn, lsn), appliedLsn: lsn, digest }) }
  },
}

const getLive: Route = {
  method: 'GET',
  path: '/livez',
  name: 'getLive',
  summary: 'The process answers',
  answer: z.object({ live: z.literal(true) }),
  handle: () => ({ body: '{"live":true}' }),
}

const getReady: Route = {
  method: 'GET',
  path: '/readyz',
  name: 'getReady',
  summary:
    'The node has everything that is in the log now; with level=weak: it can serve weak reads, ' +
    'what a load balancer should ask while the log is away',
  query: z.strictObject({ level: z.enum(['weak']).optional() }),
  answer: z.object({ ready: z.literal(true), appliedLsn: lsn }),
  async handle({ node, query }) {
    try {
      const { lsn } = await node.read([], { level: query.level === 'weak' ? 'weak' : 'consistent' })
      return { body: JSON.stringify({ ready: true, appliedLsn: lsn }) }
    } catch (error) {
      throw new BorealError('not_ready', messageOf(error), { retryAfter: 1, cause: error })
    }
  },
}

export const statusRoutes = [getStatus, getLive, getReady]
