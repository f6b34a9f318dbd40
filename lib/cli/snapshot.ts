import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { outcomeOf } from './operation.ts'
import { printFields, printJson, printTable } from './output.ts'

interface SnapshotSummary {
  id: string
  lsn: number
  state: string
  why?: string
  bytes: number
  takenAt?: number
  verifiedBy?: string
  deletedAfter?: number
}

interface SnapshotDetails extends SnapshotSummary {
  manifest?: {
    rows: Record<string, number>
    image: { parts: unknown[] }
    postgres: string
    pglite: string
    takenBy: string
  }
  verification?: object
}

interface Outcome {
  made: boolean
  snapshotId?: string
  lsn: number
  reason?: string
}

export function snapshotCommand(program: Command): void {
  const snapshot = program.command('snapshot').description('the points from which stores restart')

  withConnection(snapshot.command('now').description('take a snapshot and verify it, unless nothing is new'))
    .option('--check', 'when nothing is new, read the newest one again, and replace it if it is damaged')
    .option('--json', 'answer as JSON')
    .action(now)

  withConnection(snapshot.command('list').description('snapshots, the newest first'))
    .option('-n, --lines <n>', 'how many', '20')
    .option('--json', 'answer as JSON')
    .action(list)

  withConnection(snapshot.command('inspect').description('one snapshot, with its manifest'))
    .argument('<id>')
    .option('--check', 'read the whole image and compare it with its checksums')
    .option('--json', 'answer as JSON')
    .action(inspect)
}

async function now(flags: ConnectionFlags & { check?: boolean; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { body } = await client.request<Outcome>('POST', '/v1/snapshots', {
    body: flags.check ? { check: true } : {},
  })
  const outcome = await outcomeOf(client, body)
  await client.close()
  if (flags.json) return printJson(outcome)
  const { made, snapshotId, lsn, reason } = outcome
  process.stdout.write(
    made ? `took snapshot ${snapshotId}, up to LSN ${lsn}; it is verified\n` : `nothing to do: ${reason}\n`,
  )
}

async function list(flags: ConnectionFlags & { lines: string; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { items } = await client.get<{ items: SnapshotSummary[] }>('/v1/snapshots', { limit: flags.lines })
  await client.close()
  if (flags.json) return printJson(items)
  const rows = items.map(({ id, lsn, state, why, bytes, takenAt, verifiedBy, deletedAfter }) => [
    id,
    lsn,
    deletedAfter === undefined ? state : `${state}, to be deleted`,
    `${(bytes / 1024 / 1024).toFixed(1)} MB`,
    takenAt === undefined ? '' : new Date(takenAt).toISOString(),
    why ?? verifiedBy,
  ])
  printTable(['ID', 'LSN', 'STATE', 'SIZE', 'TAKEN', 'BY'], rows)
}

async function inspect(id: string, flags: ConnectionFlags & { check?: boolean; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const query = { check: flags.check ? 'true' : undefined }
  const found = await client.get<SnapshotDetails>(`/v1/snapshots/${encodeURIComponent(id)}`, query)
  await client.close()
  if (flags.json) printJson(found)
  else {
    const { manifest, verification: _, ...summary } = found
    const { rows = {}, image, postgres, pglite, takenBy } = manifest ?? {}
    printFields({ ...summary, takenBy, postgres, pglite, parts: image?.parts.length })
    const counts = Object.entries(rows).filter(([, count]) => count > 0)
    if (counts.length > 0) printTable(['TABLE', 'ROWS'], counts)
  }
  if (found.state !== 'damaged') return
  throw new BorealError(
    'snapshot_corrupt',
    `${found.why}. Stores start from an older one, or from the log; take another one: boreal snapshot now --check`,
  )
}
