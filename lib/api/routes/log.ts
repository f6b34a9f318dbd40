import * as z from 'zod'
import type { Entry, FramedEvents, LoggedTransaction } from '../../log/entry.ts'
import type { Log } from '../../log/log.ts'
import { quarantineRecord } from '../../log/quarantine.ts'
import { BorealError } from '../../model/errors.ts'
import { operationResult } from '../../model/operations.ts'
import { lsn } from '../../model/scalars.ts'
import { MAX_PAGE_BYTES } from '../../store/read.ts'
import { pageLimit, wholeNumber } from '../read-options.ts'
import type { Route } from '../route.ts'
import type { Principal } from '../tokens.ts'

const loggedTransaction = z.object({
  id: z.string(),
  index: z.int(),
  actor: z.string(),
  reason: z.string().optional(),
  idempotencyKey: z.string().optional().describe('only for its owner and for admins'),
  events: z.array(z.looseObject({ event: z.string(), v: z.int() })),
  results: z.array(operationResult),
})

const logEntry = z.object({
  lsn,
  time: z.int(),
  hash: z.string(),
  prev: z.string(),
  writer: z.string(),
  bytes: z.int(),
  transactions: z.array(loggedTransaction),
  framed: z
    .object({
      frames: z.int(),
      events: z.int(),
      put: z.record(z.string(), z.int()).describe('rows by entity'),
      removed: z.record(z.string(), z.int()),
    })
    .optional()
    .describe('of a large entry, whose events are not shown here: GET /v1/log/{lsn}/events has them in pages'),
  quarantined: quarantineRecord.optional().describe('what it held is lost: every store steps over it'),
})

function entryAnswer(entry: Entry, principal: Principal) {
  const { lsn, time, hash, prev, writer, bytes, transactions, framed, quarantined } = entry
  const shown = transactions.map((transaction, index) => transactionAnswer(transaction, index, principal))
  const summary = framed === undefined ? {} : { framed: framedAnswer(framed) }
  return { lsn, time, hash, prev, writer, bytes, transactions: shown, ...summary, ...(quarantined && { quarantined }) }
}

function framedAnswer({ frames }: FramedEvents): NonNullable<z.infer<typeof logEntry>['framed']> {
  return {
    frames: frames.length,
    events: frames.reduce((sum, { events }) => sum + events, 0),
    put: summed(frames.map(({ put }) => put)),
    removed: summed(frames.map(({ removed }) => removed)),
  }
}

function summed(counts: (Record<string, number> | undefined)[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const each of counts) {
    for (const [entity, rows] of Object.entries(each ?? {})) sums[entity] = (sums[entity] ?? 0) + rows
  }
  return sums
}

function transactionAnswer(transaction: LoggedTransaction, index: number, principal: Principal) {
  const { id, actor, reason, key, events, results } = transaction
  const mayKnowKey = principal.scope === 'admin' || principal.name === transaction.principal
  return {
    id,
    index,
    actor,
    ...(reason === undefined ? {} : { reason }),
    ...(key === undefined || !mayKnowKey ? {} : { idempotencyKey: key }),
    events,
    results,
  }
}

/** A clone's log, and a restored one's, begins behind an entry of its parent. */
function assertInLog(lsn: number, { startsAt }: Log): void {
  if (lsn >= startsAt) return
  const message = `the log of this store begins at LSN ${startsAt}: what was before is in that of the store it comes from`
  throw new BorealError('out_of_retention', message)
}

const listEntries: Route = {
  method: 'GET',
  path: '/v1/log',
  name: 'listLog',
  summary: 'Entries of the log after an LSN',
  scope: 'read',
  query: z.strictObject({
    after: wholeNumber.optional(),
    limit: pageLimit(),
  }),
  answer: z.object({ items: z.array(logEntry), nextCursor: z.string().optional() }),
  async handle({ node, principal, query: { after = 0, limit = 100 } }) {
    assertInLog(after, node.log)
    const entries = await node.log.page(after, limit)
    const parts: string[] = []
    let bytes = 0
    let last = after
    for (const entry of entries) {
      const part = JSON.stringify(entryAnswer(entry, principal))
      bytes += Buffer.byteLength(part)
      if (parts.length > 0 && bytes > MAX_PAGE_BYTES) break
      parts.push(part)
      last = entry.lsn
    }
    // The LSN is its own cursor: pass it as `after`.
    const next = parts.length > 0 && last < node.tailLsn ? `,"nextCursor":"${last}"` : ''
    return { body: `{"items":[${parts.join(',')}]${next}}`, headers: { 'Boreal-Lsn': String(last) } }
  },
}

const getEntry: Route = {
  method: 'GET',
  path: '/v1/log/{lsn}',
  name: 'getLogEntry',
  summary: 'One entry of the log',
  scope: 'read',
  params: z.strictObject({ lsn: wholeNumber }),
  query: z.strictObject({}),
  answer: logEntry,
  async handle({ node, principal, params: { lsn } }) {
    assertInLog(lsn, node.log)
    const entry = await node.log.entry(lsn)
    if (entry === undefined) throw new BorealError('not_found', `there is no log entry ${lsn}`)
    return { body: JSON.stringify(entryAnswer(entry, principal)), headers: { 'Boreal-Lsn': String(lsn) } }
  },
}

const getEvents: Route = {
  method: 'GET',
  path: '/v1/log/{lsn}/events',
  name: 'getLogEvents',
  summary: 'The events of an entry, also of a large one: a page is a frame of it, and nextCursor leads to the next one',
  scope: 'read',
  params: z.strictObject({ lsn: wholeNumber }),
  query: z.strictObject({ cursor: wholeNumber.optional() }),
  answer: z.object({ items: loggedTransaction.shape.events, nextCursor: z.string().optional() }),
  async handle({ node, params: { lsn }, query: { cursor = 0 } }) {
    const entry = await node.log.entry(lsn)
    if (entry === undefined) throw new BorealError('not_found', `there is no log entry ${lsn}`)
    const frames = entry.framed?.frames.length ?? 1
    if (cursor >= frames) throw new BorealError('invalid_cursor', `entry ${lsn} has no frame ${cursor}`)
    const items = await node.log.eventsIn(entry, cursor)
    const next = cursor + 1 < frames ? { nextCursor: String(cursor + 1) } : {}
    return { body: JSON.stringify({ items, ...next }), headers: { 'Boreal-Lsn': String(lsn) } }
  },
}

export const logRoutes = [listEntries, getEntry, getEvents]
