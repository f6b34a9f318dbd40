import * as z from 'zod'
import { lsn } from '../../model/scalars.ts'
import { pageLimit } from '../read-options.ts'
import type { Route } from '../route.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const DEFAULT_LIMIT = 20

const status = z.object({
  schemaVersion: z.int(),
  migrations: z.array(
    z.object({
      number: z.int(),
      name: z.string(),
      checksum: z.string(),
      preRestore: z.boolean().describe('data has to find something of it'),
      applied: z.boolean().describe("the node's store carries it, with this checksum"),
    }),
  ),
  snapshots: z
    .array(
      z.object({
        snapshotId: z.string(),
        lsn,
        schemaVersion: z.int(),
        restore: z.enum(['as it is', 'up', 'down', 'not possible']),
        scripts: z.array(z.string()).describe('what would be run; those of a newer schema are in the snapshot alone'),
        why: z.string().optional(),
      }),
    )
    .describe('what a restore of each would do, the newest first'),
})

const getMigrations: Route = {
  method: 'GET',
  path: '/v1/migrations',
  name: 'getMigrations',
  summary: 'The migrations of this build, which of them the store carries, and what they would do to its snapshots',
  scope: 'admin',
  query: z.strictObject({
    limit: pageLimit(),
  }),
  answer: status,
  async handle({ node, query: { limit = DEFAULT_LIMIT } }) {
    const [migrations, snapshots] = await Promise.all([node.migrations.status(), node.migrations.snapshots(limit)])
    return { body: JSON.stringify({ schemaVersion: node.schemaVersion, migrations, snapshots }) }
  },
}

const rows = z.record(z.string(), z.int()).describe('by table')

const plan = z.object({
  snapshotId: z.string(),
  lsn,
  from: z.int().describe('schema of the snapshot'),
  to: z.int(),
  loadMs: z.int(),
  scripts: z.array(
    z.object({ name: z.string(), statements: z.int(), rows: z.int().describe('that it changed'), ms: z.int() }),
  ),
  rowsBefore: rows,
  rowsAfter: rows,
  dump: z
    .object({
      backupId: z.string().optional(),
      lsn: lsn.optional(),
      wholeFrom: z.int().describe('the first entry that the table still has whole'),
      missing: z.string().optional().describe('what has to be done before a build with another schema is released'),
    })
    .describe('the newest dump: what a build starts from that can use no image'),
})

const planMigration: Route = {
  method: 'POST',
  path: '/v1/migrations/plan',
  name: 'planMigration',
  summary:
    'Loads a snapshot into a store of its own, really runs what would migrate it, rolls it back, and says what it did ' +
    'and how long it took. Nothing is changed',
  scope: 'admin',
  body: z.strictObject({
    snapshotId: z.string().optional().describe('default: the newest verified one'),
    to: z.int().positive().optional().describe('schema to reach; default: that of this build'),
  }),
  answer: plan,
  accepted: operation,
  async handle({ node, body }) {
    const { migrations, operations } = node
    migrations.assertFree(body)
    return startedAnswer(await operations.run('migrationPlan', MOST_WAIT_MS, () => migrations.plan(body)))
  },
}

export const migrationRoutes = [getMigrations, planMigration]
