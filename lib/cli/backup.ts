import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { outcomeOf } from './operation.ts'
import { printFields, printJson, printTable } from './output.ts'

interface BackupSummary {
  id: string
  lsn: number
  state: string
  why?: string
  bytes: number
  takenAt?: number
  drilledAt?: number
  drillPassed?: boolean
  deletedAfter?: number
}

interface Finding {
  result: 'same' | 'failed' | 'unusable'
  why?: string
  ms: number
}

interface DrillReport {
  passed: boolean
  image: Finding
  dump: Finding
}

interface BackupDetails extends BackupSummary {
  document?: { snapshotId: string; takenBy: string; dump: { bytes: number }; rows: Record<string, number> }
  drill?: DrillReport
}

interface Outcome {
  made: boolean
  backupId?: string
  lsn: number
  reason?: string
}

export function backupCommand(program: Command): void {
  const backup = program.command('backup').description('copies of verified snapshots, with dumps, in a place apart')

  withConnection(backup.command('now').description('make a backup of the newest state, unless nothing is new'))
    .option('--json', 'answer as JSON')
    .action(now)

  withConnection(
    backup.command('list').description('backups, the newest first, and when each was last restored to see'),
  )
    .option('-n, --lines <n>', 'how many', '50')
    .option('--json', 'answer as JSON')
    .action(list)

  withConnection(backup.command('inspect').description('one backup, with its document and its last restore drill'))
    .argument('<id>')
    .option('--json', 'answer as JSON')
    .action(inspect)

  withConnection(
    backup.command('verify').description('a restore drill: restore a backup and see whether it is the same'),
  )
    .argument('[id]', 'default: the newest that is complete')
    .option('--json', 'answer as JSON')
    .action(verify)
}

async function now(flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { body } = await client.request<Outcome>('POST', '/v1/backups', { body: {} })
  const outcome = await outcomeOf(client, body)
  await client.close()
  if (flags.json) return printJson(outcome)
  const { made, backupId, lsn, reason } = outcome
  const note = made && reason !== undefined ? `; ${reason}` : ''
  process.stdout.write(made ? `made backup ${backupId}, up to LSN ${lsn}${note}\n` : `nothing to do: ${reason}\n`)
}

async function list(flags: ConnectionFlags & { lines: string; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { items } = await client.get<{ items: BackupSummary[] }>('/v1/backups', { limit: flags.lines })
  await client.close()
  if (flags.json) return printJson(items)
  const rows = items.map((backup) => [
    backup.id,
    backup.lsn,
    backup.deletedAfter === undefined ? backup.state : `${backup.state}, to be deleted`,
    megabytes(backup.bytes),
    backup.takenAt === undefined ? '' : new Date(backup.takenAt).toISOString(),
    backup.why ?? drillText(backup),
  ])
  printTable(['ID', 'LSN', 'STATE', 'SIZE', 'TAKEN', 'DRILL'], rows)
}

function drillText({ drilledAt, drillPassed }: BackupSummary): string {
  if (drilledAt === undefined) return 'never'
  const hours = Math.floor((Date.now() - drilledAt) / 3_600_000)
  const age = hours < 1 ? 'in the last hour' : hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`
  return `${drillPassed ? 'passed' : 'FAILED'} ${age}`
}

async function inspect(id: string, flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const client = connect(flags)
  const found = await client.get<BackupDetails>(`/v1/backups/${encodeURIComponent(id)}`)
  await client.close()
  if (flags.json) printJson(found)
  else {
    const { document, drill, ...summary } = found
    const { snapshotId, takenBy, dump, rows = {} } = document ?? {}
    printFields({ ...summary, snapshotId, takenBy, dump: dump === undefined ? undefined : megabytes(dump.bytes) })
    if (drill !== undefined) printFindings(drill)
    const counts = Object.entries(rows).filter(([, count]) => count > 0)
    if (counts.length > 0) printTable(['TABLE', 'ROWS'], counts)
  }
  if (found.state !== 'damaged') return
  throw new BorealError('backup_corrupt', `${found.why}. Make another one: boreal backup now`)
}

async function verify(given: string | undefined, flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const client = connect(flags)
  const id = given ?? (await newestOf(await client.get<{ items: BackupSummary[] }>('/v1/backups', { limit: '1000' })))
  const path = `/v1/backups/${encodeURIComponent(id)}/verify`
  const { body } = await client.request<DrillReport>('POST', path, { body: {} })
  const report = await outcomeOf(client, body)
  await client.close()
  if (flags.json) printJson(report)
  else printFindings(report)
  if (report.passed) return
  throw new BorealError('backup_corrupt', `backup ${id} did not pass. Make another one: boreal backup now`)
}

function newestOf({ items }: { items: BackupSummary[] }): string {
  const newest = items.find(({ state, deletedAfter }) => state === 'complete' && deletedAfter === undefined)
  if (newest !== undefined) return newest.id
  throw new BorealError('not_found', 'there is no complete backup yet; boreal backup now')
}

function printFindings({ image, dump }: DrillReport): void {
  const rows = Object.entries({ image, dump }).map(([what, { result, why, ms }]) => [
    what,
    result,
    `${(ms / 1_000).toFixed(1)} s`,
    why ?? '',
  ])
  printTable(['RESTORED FROM', 'RESULT', 'TOOK', 'WHY'], rows)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
