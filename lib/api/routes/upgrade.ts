import * as z from 'zod'
import { lsn } from '../../model/scalars.ts'
import { finalizeUpgrade, upgradeStatus } from '../../node/upgrade.ts'
import type { Route } from '../route.ts'

const status = z.object({
  format: z.int().describe('format of the store: which events its log may hold'),
  newestFormat: z.int().describe('the newest that this build writes and reads'),
  finalized: z.boolean().describe('nothing is left to finalize'),
  waiting: z.array(z.string()).describe('operations that are refused with not_finalized until then'),
  schemaVersion: z.int().describe('of the stores of this node'),
  lsn,
})

const getUpgrade: Route = {
  method: 'GET',
  path: '/v1/upgrade',
  name: 'getUpgrade',
  summary: 'Whether the store was finalized to the format of this build, and what waits for it',
  scope: 'admin',
  answer: status,
  async handle({ node }) {
    return { body: JSON.stringify(await upgradeStatus(node)) }
  },
}

const finalize: Route = {
  method: 'POST',
  path: '/v1/upgrade/finalize',
  name: 'finalizeUpgrade',
  atLeader: 'always',
  summary:
    'Allows what only this build and later ones can read. Older nodes stop from then on, and none can be rolled back. ' +
    'With dryRun it says what would be allowed',
  scope: 'admin',
  body: z.strictObject({
    dryRun: z.boolean().optional(),
    confirm: z.boolean().optional().describe('must be true for anything to be done'),
  }),
  answer: status.extend({ changed: z.boolean() }),
  async handle({ node, body, principal }) {
    return { body: JSON.stringify(await finalizeUpgrade(node, { ...body, principal: principal.name })) }
  },
}

export const upgradeRoutes = [getUpgrade, finalize]
