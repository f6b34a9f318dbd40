import type { Command } from 'commander'
import { numberOf } from '../node/config.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { outcomeOf } from './operation.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Status {
  schemaVersion: number
  migrations: { number: number; name: string; checksum: string; preRestore: boolean; applied: boolean }[]
  snapshots: {
    snapshotId: string
    lsn: number
    schemaVersion: number
    restore: string
    scripts: string[]
    why?: string
  }[]
}

interface Plan {
  snapshotId: string
  lsn: number
  from: number
  to: number
  loadMs: number
  scripts: { name: string; statements: number; rows: number; ms: number }[]
  rowsBefore: Record<string, number>
  rowsAfter: Record<string, number>
  dump: { backupId?: string; lsn?: number; missing?: string }
}

export function migrationsCommand(program: Command): void {
  const migrations = program.command('migrations').description('how stores of other schemas become ones of this build')

  withConnection(migrations.command('status').description('migrations, and what a restore of each snapshot would do'))
    .option('--json', 'answer as JSON')
    .action(status)

  withConnection(
    migrations
      .command('plan')
      .description('migrate a copy of a snapshot, say what that did and how long it took, and throw it away'),
  )
    .option('--snapshot <id>', 'default: the newest verified one')
    .option('--to <n>', 'schema to reach, to see a rollback; default: that of the build')
    .option('--json', 'answer as JSON')
    .action(plan)
}

async function status(flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const client = connect(flags)
  const found = await client.get<Status>('/v1/migrations')
  await client.close()
  if (flags.json) return printJson(found)
  const rows = found.migrations.map(({ number, name, checksum, preRestore, applied }) => [
    number,
    name,
    applied ? 'applied' : 'not applied',
    preRestore ? 'yes' : '',
    checksum.slice(0, 12),
  ])
  printTable(['NUMBER', 'NAME', 'STATE', 'PRE-RESTORE', 'CHECKSUM'], rows)
  if (found.snapshots.length === 0) return
  process.stdout.write('\n')
  const ways = found.snapshots.map(({ snapshotId, lsn, schemaVersion, restore, scripts, why }) => [
    snapshotId,
    lsn,
    schemaVersion,
    restore,
    why ?? scripts.join(', '),
  ])
  printTable(['SNAPSHOT', 'LSN', 'SCHEMA', 'RESTORE', 'BY'], ways)
}

async function plan(flags: ConnectionFlags & { snapshot?: string; to?: string; json?: boolean }): Promise<void> {
  const to = flags.to === undefined ? undefined : numberOf('to', flags.to, 1, 9_999)
  const client = connect(flags)
  const { body } = await client.request<Plan>('POST', '/v1/migrations/plan', {
    body: { snapshotId: flags.snapshot, to },
  })
  const made = await outcomeOf(client, body)
  await client.close()
  if (flags.json) return printJson(made)
  const { scripts, rowsBefore, rowsAfter, snapshotId, lsn, from, loadMs } = made
  printFields({ snapshotId, lsn, from, to: made.to, loadMs })
  if (scripts.length === 0) process.stdout.write('nothing to run\n')
  else {
    const runs = scripts.map(({ name, statements, rows, ms }) => [name, statements, rows, `${ms} ms`])
    printTable(['SCRIPT', 'STATEMENTS', 'ROWS', 'TIME'], runs)
  }
  const tables = [...new Set([...Object.keys(rowsBefore), ...Object.keys(rowsAfter)])].sort()
  const changed = tables.filter((table) => rowsBefore[table] !== rowsAfter[table])
  if (changed.length === 0) process.stdout.write('no table has other rows than before\n')
  else
    printTable(
      ['TABLE', 'ROWS BEFORE', 'AFTER'],
      changed.map((table) => [table, rowsBefore[table], rowsAfter[table]]),
    )
  const { dump } = made
  if (dump.missing !== undefined) process.stdout.write(`NOT READY: ${dump.missing}\n`)
  else if (dump.lsn !== undefined) process.stdout.write(`the newest dump is that of backup ${dump.backupId}\n`)
}
