import type { Command } from 'commander'
import { uuidv7 } from 'uuidv7'
import { BorealError } from '../model/errors.ts'
import { POINT_FORM, type Point, type PointTarget, parsePoint, textOfPoint } from '../recovery/point.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { operationEnded, type StartedOperation } from './operation.ts'
import { printFields, printJson, printTable } from './output.ts'
import { type QueryFlags, runQuery } from './query.ts'
import { recoveryChangeCommands } from './recovery-changes.ts'

interface RecoverySummary {
  id: string
  state: string
  point: Point
  entryTime: number
  stagedAt: number
  stagedBy: string
  reason?: string
  edits: number
  here: string
}

type Flags = ConnectionFlags & { json?: boolean }

export function recoveryCommand(program: Command): void {
  const recovery = program.command('recovery').description('earlier states, to be looked into beside the present one')

  withConnection(recovery.command('stage').description('stage an earlier state; nothing is changed by it'))
    .argument('<when>', 'an LSN (4711, 4711.2), a time (2026-03-01T09:30:00Z), -2h, or the id of a backup or snapshot')
    .option('--reason <text>', 'kept with it')
    .option('--json', 'answer as JSON')
    .action(stage)

  withConnection(recovery.command('list').description('what is staged, the newest first'))
    .option('--json', 'answer as JSON')
    .action(list)

  withConnection(recovery.command('show').description('one recovery'))
    .argument('<id>')
    .option('--json', 'answer as JSON')
    .action(show)

  withConnection(recovery.command('query').description('run a read-only SQL query on what is staged'))
    .argument('<id>')
    .argument('<sql>')
    .option('--param <value...>', 'values for $1, $2, ...')
    .option('--max-rows <n>', 'rows at most')
    .option('--json', 'answer as JSON')
    .action((id: string, sql: string, flags: QueryFlags) => runQuery(sql, flags, { recovery: id }))

  withConnection(recovery.command('unload').description('forget a recovery and end its store'))
    .argument('<id>')
    .action(unload)

  recoveryChangeCommands(recovery)
}

async function stage(when: string, flags: Flags & { reason?: string }): Promise<void> {
  const point = parsePoint(when)
  if (point === undefined)
    throw new BorealError('invalid_field', `${JSON.stringify(when)} is no point: it ${POINT_FORM}`)
  const client = connect(flags)
  const { body } = await client.request<RecoverySummary | StartedOperation>('POST', '/v1/recoveries', {
    body: { target: requestOf(point) },
    headers: { 'idempotency-key': uuidv7(), ...(flags.reason === undefined ? {} : { 'boreal-reason': flags.reason }) },
  })
  const staged = 'kind' in body ? await operationEnded<RecoverySummary>(client, body, tell) : body
  await client.close()
  if (flags.json) return printJson(staged)
  const { id, point: at, entryTime } = staged
  process.stdout.write(
    `staged ${id}: the state at LSN ${textOfPoint(at)}, whose entry is of ${new Date(entryTime).toISOString()}\n` +
      `look into it: boreal recovery query ${id} "select ..."\n`,
  )
}

function requestOf(point: PointTarget) {
  return 'agoMs' in point ? { time: `-${point.agoMs}ms` } : point
}

function tell({ lsn, targetLsn, etaMs }: Record<string, unknown>): void {
  if (typeof lsn !== 'number') return
  const left = typeof etaMs === 'number' ? `, about ${Math.ceil(etaMs / 1_000)} s left` : ''
  process.stderr.write(`boreal: restoring: LSN ${lsn} of ${targetLsn}${left}\n`)
}

async function list(flags: Flags): Promise<void> {
  const client = connect(flags)
  const answer = await client.get<{ items: RecoverySummary[]; damaged: { id: string; why: string }[] }>(
    '/v1/recoveries',
  )
  await client.close()
  if (flags.json) return printJson(answer)
  const rows = answer.items.map(({ id, state, point, entryTime, stagedBy, edits, here, reason }) => [
    ...[id, state, textOfPoint(point), new Date(entryTime).toISOString(), stagedBy, edits, here, reason],
  ])
  printTable(['ID', 'STATE', 'LSN', 'TIME', 'BY', 'EDITS', 'HERE', 'REASON'], rows)
  for (const { id, why } of answer.damaged) process.stderr.write(`boreal: ${id}: ${why}\n`)
}

async function show(id: string, flags: Flags): Promise<void> {
  const client = connect(flags)
  const found = await client.get<RecoverySummary>(`/v1/recoveries/${encodeURIComponent(id)}`)
  await client.close()
  if (flags.json) return printJson(found)
  const { point, entryTime, stagedAt, ...rest } = found
  const times = { entryTime: new Date(entryTime).toISOString(), stagedAt: new Date(stagedAt).toISOString() }
  printFields({ ...rest, lsn: textOfPoint(point), ...times })
}

async function unload(id: string, flags: Flags): Promise<void> {
  const client = connect(flags)
  await client.request('DELETE', `/v1/recoveries/${encodeURIComponent(id)}`)
  await client.close()
  process.stdout.write(`unloaded ${id}\n`)
}
