import type { Command } from 'commander'
import { parsePlace } from '../recovery/point.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { printJson, printTable } from './output.ts'

interface QueryAnswer {
  columns: { name: string; type: string }[]
  rows: Record<string, unknown>[]
  truncated: boolean
  lsn: number
}

export function queryCommand(program: Command): void {
  withConnection(program.command('query').description('run a read-only SQL query'))
    .argument('<sql>', 'e.g. "select status, count(*) from task group by status"')
    .option('--param <value...>', 'values for $1, $2, ...')
    .option('--max-rows <n>', 'rows at most')
    .option('--weak', 'do not ask for the newest state')
    .option('--as-of <when>', 'an earlier state: an LSN (4711, 4711.2), a time (2026-03-01T09:30:00Z), or -2h')
    .option('--recovery <id>', 'what a recovery has staged')
    .option('--json', 'answer as JSON')
    .action((sql: string, flags: QueryFlags) => runQuery(sql, flags, asOfParameters(flags)))
}

export interface QueryFlags extends ConnectionFlags {
  param?: string[]
  maxRows?: string
  weak?: boolean
  asOf?: string
  recovery?: string
  json?: boolean
}

/** Runs a query and prints its answer. */
export async function runQuery(sql: string, flags: QueryFlags, asOf: Record<string, string> = {}): Promise<void> {
  const client = connect(flags)
  const body = {
    sql,
    ...(flags.param === undefined ? {} : { params: flags.param }),
    ...(flags.maxRows === undefined ? {} : { maxRows: Number(flags.maxRows) }),
  }
  const query = { ...(flags.weak ? { consistency: 'weak' } : {}), ...asOf }
  const { body: answer } = await client.request<QueryAnswer>('POST', '/v1/query', { body, query })
  await client.close()
  if (flags.json) return printJson(answer)
  const names = answer.columns.map((column) => column.name)
  printTable(
    names,
    answer.rows.map((row) => names.map((name) => row[name])),
  )
  const cut = answer.truncated ? ', cut here; see --max-rows' : ''
  process.stdout.write(`${answer.rows.length} rows at LSN ${answer.lsn}${cut}\n`)
}

function asOfParameters({ asOf, recovery }: QueryFlags): Record<string, string> {
  return {
    ...(asOf === undefined ? {} : parsePlace(asOf) === undefined ? { asOfTime: asOf } : { asOfLsn: asOf }),
    ...(recovery === undefined ? {} : { recovery }),
  }
}
