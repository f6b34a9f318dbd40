import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { lsn } from '../../model/scalars.ts'
import type { Route } from '../route.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const range = z.object({ from: z.int(), to: z.int() })
const timeMs = z.int()

const status = z.object({
  segments: z.int(),
  bytes: z.int(),
  from: lsn.optional().describe('its first entry'),
  to: lsn.optional().describe('its last entry'),
  firstTime: timeMs.optional(),
  lastTime: timeMs.optional(),
  missing: z.array(range).describe('entries that it lacks in between'),
  behind: z.int().describe('entries of the log that it does not have yet'),
  table: z.object({
    from: lsn.describe('first entry that the table still has whole'),
    trimmedTo: lsn.describe('slots up to here may be gone'),
    to: lsn.describe('the last entry of the log'),
  }),
  coverage: z.object({
    since: timeMs.describe('every second since must be restorable'),
    from: lsn.describe('the state at that time'),
    restorableFrom: lsn.optional().describe('everything from here to the end of the log is'),
    points: z.array(z.object({ id: z.string(), lsn, time: timeMs, leaving: z.boolean().optional() })),
    uncovered: z.array(range.extend({ why: z.string() })).describe('LSNs of retention that cannot be restored'),
  }),
})

const getArchive: Route = {
  method: 'GET',
  path: '/v1/archive',
  name: 'getArchive',
  summary: 'What the archive of the log has, and what can be restored from it, the snapshots and the table',
  scope: 'admin',
  query: z.strictObject({}),
  answer: status,
  async handle({ node }) {
    return { body: JSON.stringify(await node.archive.status()) }
  },
}

const runArchive: Route = {
  method: 'POST',
  path: '/v1/archive',
  name: 'runArchive',
  summary: 'Archives what is new, now; joins a run that is on its way',
  scope: 'admin',
  body: z.strictObject({
    check: z.boolean().optional().describe('read every segment, and write again those that are damaged'),
  }),
  answer: z.object({
    lsn: lsn.optional().describe('the last entry of the archive'),
    entries: z.int().describe('that were copied'),
    segments: z.int().describe('that were written for them'),
    merged: z.int().describe('segments that were written in place of smaller ones'),
    check: z
      .object({
        segments: z.int(),
        damaged: z.array(z.object({ key: z.string(), why: z.string(), mended: z.boolean() })),
      })
      .optional(),
  }),
  accepted: operation,
  async handle({ node, body }) {
    const { archive, operations } = node
    // Who asks for a check must not be given the answer of a run without one.
    const kind = body.check ? 'archiveCheck' : 'archive'
    return startedAnswer(await operations.run(kind, MOST_WAIT_MS, () => archive.now(body)))
  },
}

const trimLog: Route = {
  method: 'POST',
  path: '/v1/archive/trim',
  name: 'trimLog',
  summary: 'Takes out of the table and the archive what is no longer needed; with dryRun it only tells what that is',
  scope: 'admin',
  body: z.strictObject({
    dryRun: z.boolean().optional(),
    confirm: z.boolean().optional().describe('required unless it is a dry run'),
  }),
  answer: z.object({
    dryRun: z.boolean(),
    emptied: range.optional().describe('entries that lost their bodies and keep their places'),
    limit: z.string().describe('why not more of them'),
    freed: range.optional().describe('places that were deleted'),
    bodies: z.array(z.string()).describe('large bodies beside the table that went'),
    segments: z.array(z.string()).describe('segments of the archive that went'),
    refused: z.array(z.string()).describe('what had to stay, and why'),
  }),
  accepted: operation,
  async handle({ node, body: { dryRun = false, confirm = false } }) {
    const { archive, operations } = node
    if (!dryRun && !confirm) {
      throw new BorealError(
        'confirmation_required',
        'trimming deletes; look with "dryRun": true, then say "confirm": true',
      )
    }
    const kind = dryRun ? 'trimDryRun' : 'trim'
    return startedAnswer(await operations.run(kind, MOST_WAIT_MS, () => archive.trim({ dryRun })))
  },
}

export const archiveRoutes = [getArchive, runArchive, trimLog]
