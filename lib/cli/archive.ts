import type { Command } from 'commander'
import type { BorealClient } from '../client/client.ts'
import { BorealError } from '../model/errors.ts'
import type { ArchiveOutcome, ArchiveStatus, LsnRange, TrimOutcome } from '../node/node-archive.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { operationEnded, type StartedOperation } from './operation.ts'
import { printFields, printJson, printTable } from './output.ts'

export function archiveCommand(program: Command): void {
  const archive = program.command('archive').description('the log beyond what the table keeps')

  withConnection(archive.command('status').description('what the archive and the table have'))
    .option('--json', 'answer as JSON')
    .action(status)

  withConnection(archive.command('now').description('archive what is new'))
    .option('--check', 'read every segment, and write again those that are damaged')
    .option('--json', 'answer as JSON')
    .action(now)

  withConnection(archive.command('coverage').description('what can be restored, and from what'))
    .option('--json', 'answer as JSON')
    .action(coverage)
}

export function trimCommand(program: Command): void {
  withConnection(
    program.command('trim').description('take out of table and archive what is no longer needed; shows it first'),
  )
    .option('--dry-run', 'only show it')
    .option('--yes', 'do it')
    .option('--json', 'answer as JSON')
    .action(trim)
}

async function status(flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const found = await withClient(flags, (client) => client.get<ArchiveStatus>('/v1/archive'))
  if (flags.json) return printJson(found)
  const { segments, bytes, missing, behind, table } = found
  printFields({
    archive:
      found.to === undefined ? 'empty' : `LSN ${found.from} to ${found.to}, ${segments} segments, ${size(bytes)}`,
    times: found.firstTime === undefined ? '' : `${time(found.firstTime)} to ${time(found.lastTime!)}`,
    behind: `${behind} entries`,
    missing: missing.map(rangeText).join(', ') || 'nothing',
    table: `whole from LSN ${table.from} to ${table.to}, freed up to ${table.trimmedTo}`,
  })
}

async function now(flags: ConnectionFlags & { check?: boolean; json?: boolean }): Promise<void> {
  const body = flags.check ? { check: true } : {}
  const outcome = await withClient(flags, (client) => run<ArchiveOutcome>(client, '/v1/archive', body))
  const { lsn, entries, segments, merged, check } = outcome
  if (flags.json) printJson(outcome)
  else {
    const written = `${entries} entries in ${segments} new segments, ${merged} merged`
    process.stdout.write(`${lsn === undefined ? 'the log is empty' : `archived up to LSN ${lsn}: ${written}`}\n`)
    if (check !== undefined)
      process.stdout.write(`checked ${check.segments} segments, ${check.damaged.length} damaged\n`)
  }
  const lost = (check?.damaged ?? []).filter(({ mended }) => !mended)
  for (const { key, mended } of flags.json ? [] : (check?.damaged ?? [])) {
    process.stdout.write(`${mended ? 'written again' : 'DAMAGED'}  ${key}\n`)
  }
  if (lost.length > 0) throw new BorealError('archive_corrupt', lost.map(({ why }) => why).join('\n'))
}

async function coverage(flags: ConnectionFlags & { json?: boolean }): Promise<void> {
  const { coverage: found, table } = await withClient(flags, (client) => client.get<ArchiveStatus>('/v1/archive'))
  if (flags.json) printJson({ ...found, to: table.to })
  else {
    const rows = found.points.map(({ id, lsn, time: at, leaving }) => [
      lsn,
      at === 0 ? '' : time(at),
      id,
      leaving ? 'to be deleted' : '',
    ])
    printTable(['LSN', 'TIME', 'POINT', ''], rows)
    process.stdout.write(`\nto be restorable: since ${time(found.since)}, LSN ${found.from} to ${table.to}\n`)
    if (found.uncovered.length === 0) process.stdout.write('all of it is\n')
    for (const gap of found.uncovered) process.stdout.write(`NOT restorable: LSN ${rangeText(gap)}: ${gap.why}\n`)
  }
  if (found.uncovered.length > 0) process.exitCode = 3
}

async function trim(flags: ConnectionFlags & { dryRun?: boolean; yes?: boolean; json?: boolean }): Promise<void> {
  const isReal = flags.yes === true && flags.dryRun !== true
  const body = isReal ? { confirm: true } : { dryRun: true }
  const outcome = await withClient(flags, (client) => run<TrimOutcome>(client, '/v1/archive/trim', body))
  if (flags.json) printJson(outcome)
  else {
    const { emptied, limit, freed, bodies, segments, refused } = outcome
    printFields({
      [isReal ? 'emptied' : 'would empty']:
        `${emptied === undefined ? 'nothing' : `LSN ${rangeText(emptied)}`} (${limit})`,
      [isReal ? 'freed' : 'would free']: freed === undefined ? 'nothing' : `LSN ${rangeText(freed)}`,
      bodies: bodies.length,
      segments: segments.length,
    })
    for (const reason of refused) process.stdout.write(`refused: ${reason}\n`)
  }
  if (outcome.refused.length > 0) process.exitCode = 3
  else if (!isReal && flags.dryRun !== true) {
    throw new BorealError('confirmation_required', 'nothing was done; to do it: boreal trim --yes')
  }
}

async function withClient<T>(flags: ConnectionFlags, work: (client: BorealClient) => Promise<T>): Promise<T> {
  const client = connect(flags)
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

/** What comes of a request, also when that takes its time. */
async function run<T extends object>(client: BorealClient, path: string, body: object): Promise<T> {
  const answer = (await client.request<T | StartedOperation>('POST', path, { body })).body
  return 'state' in answer ? operationEnded<T>(client, answer) : (answer as T)
}

const size = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`
const time = (ms: number) => new Date(ms).toISOString()
const rangeText = ({ from, to }: LsnRange) => (from === to ? `${from}` : `${from} to ${to}`)
