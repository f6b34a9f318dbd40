import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { BorealError, messageOf } from '../model/errors.ts'
import { withMoveFlags } from './backtrack.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { type Difference, isOperation, type MoveFlags, printDifference, showAndMove } from './move.ts'
import { operationEnded, type StartedOperation } from './operation.ts'
import { printJson, printTable } from './output.ts'

interface Page {
  lsn: number
  difference?: Difference
  items?: { key: string; change: string; live?: object; target?: object }[]
  nextCursor?: string
}

/** Comparing, editing and committing, beside the other commands for recoveries. */
export function recoveryChangeCommands(recovery: Command): void {
  withConnection(recovery.command('diff').description('how it differs from the live store'))
    .argument('<id>')
    .option('--entity <entity>', 'the rows of one entity: task, quota, cronJob, jobUpdate, ...')
    .option('--after <key>', 'go on after this key')
    .option('-n, --lines <n>', 'rows at most', '50')
    .option('--json', 'answer as JSON')
    .action(diff)

  withConnection(recovery.command('edit').description('change what it has, by operations as in a transaction'))
    .argument('<id>')
    .argument('<file>', 'a JSON list of operations; - reads the standard input')
    .action(edit)

  withMoveFlags(
    withConnection(recovery.command('commit').description('make the live store like it; nothing is stopped')).argument(
      '<id>',
    ),
  ).action((id: string, flags: MoveFlags) => showAndMove(`${pathOf(id)}/commit`, {}, flags))
}

function pathOf(id: string): string {
  return `/v1/recoveries/${encodeURIComponent(id)}`
}

async function diff(
  id: string,
  flags: ConnectionFlags & { entity?: string; after?: string; lines: string; json?: boolean },
): Promise<void> {
  const client = connect(flags)
  const { entity, after, lines, json } = flags
  const query = entity === undefined ? {} : { entity, after, limit: lines }
  const answer = await client.get<Page | StartedOperation>(`${pathOf(id)}/diff`, query)
  const page = isOperation(answer) ? await operationEnded<Page>(client, answer) : answer
  await client.close()
  if (json) return printJson(page)
  if (page.difference !== undefined) return printDifference({ lsn: page.lsn, difference: page.difference })
  const rows = (page.items ?? []).map(({ key, change, live, target }) => [key, change, live, target])
  printTable(['KEY', 'CHANGE', 'LIVE', 'RECOVERY'], rows)
  if (page.nextCursor !== undefined) process.stdout.write(`more: --after ${JSON.stringify(page.nextCursor)}\n`)
}

async function edit(id: string, file: string, flags: ConnectionFlags): Promise<void> {
  const operations = operationsIn(file)
  const client = connect(flags)
  const path = `${pathOf(id)}/edits`
  const { body } = await client.request<{ edits: number } | StartedOperation>('POST', path, { body: { operations } })
  const { edits } = isOperation(body) ? await operationEnded<{ edits: number }>(client, body) : body
  await client.close()
  process.stdout.write(`${id} has ${edits} edits; boreal recovery diff ${id}\n`)
}

function operationsIn(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8'))
  } catch (error) {
    throw new BorealError('invalid_field', `${file} has no JSON list of operations (${messageOf(error)})`)
  }
}
