import type { Command } from 'commander'
import { BorealError } from '../model/errors.ts'
import { numberOf } from '../node/config.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { printFields, printJson, printTable, progressBar } from './output.ts'
import { type Plan, planChanges } from './replay/changes.ts'
import { checkStates } from './replay/check.ts'
import { type Drive, driveChanges, saveHosts } from './replay/drive.ts'
import { syntheticTrace } from './replay/synthetic-trace.ts'
import { readTrace, type Trace } from './replay/trace.ts'

interface ReplayFlags extends ConnectionFlags {
  nodes?: string
  tasks: string
  seed: string
  inFlight: string
  prefix: string
  json?: boolean
}

export function replayCommand(program: Command): void {
  withConnection(
    program
      .command('replay')
      .description('drive a running server with a cluster trace, or with a made-up one, and check what it holds'),
  )
    .argument('[pods.csv]', 'pods of the trace; without it a synthetic trace is made')
    .option('--nodes <nodes.csv>', 'nodes of the trace')
    .option('--tasks <n>', 'synthetic trace: number of tasks', '1000')
    .option('--seed <n>', 'synthetic trace: seed', '1')
    .option('--in-flight <n>', 'transactions on their way at once', '32')
    .option('--prefix <text>', 'put before every task id, to replay into a store that has tasks', '')
    .option('--json', 'answer as JSON')
    .action(replay)
}

async function replay(podsFile: string | undefined, flags: ReplayFlags): Promise<void> {
  const inFlight = numberOf('in-flight', flags.inFlight, 1, 1_024)
  const trace = traceOf(podsFile, flags)
  const plan = planChanges(trace, flags.prefix)
  const client = connect(flags, { connections: inFlight })
  const progress = progressBar('replay', plan.changes.length)
  try {
    const hostTransactions = await saveHosts(client, trace.nodes, flags.prefix)
    const drive = await driveChanges(client, plan.changes, inFlight, progress)
    progress.stop()
    const { found, differences } = await checkStates(client, plan.expected, flags.prefix)
    const summary = summaryOf(trace, plan, drive, hostTransactions, inFlight)
    if (flags.json) printJson({ ...summary, states: nested(found), differences })
    else report(summary, found)
    if (differences.length > 0) {
      throw new BorealError(
        'constraint_violation',
        `the store differs from what was counted: ${JSON.stringify(differences)}`,
      )
    }
    if (!flags.json) process.stdout.write('check: every task and state in the store is as counted\n')
  } finally {
    progress.stop()
    await client.close()
  }
}

function traceOf(podsFile: string | undefined, flags: ReplayFlags): Trace {
  if (podsFile === undefined) {
    return syntheticTrace(numberOf('tasks', flags.tasks, 1, 10_000_000), numberOf('seed', flags.seed, 0, 2 ** 31))
  }
  if (flags.nodes === undefined) throw new BorealError('invalid_field', 'a trace needs --nodes NODES.csv, too')
  return readTrace(podsFile, flags.nodes)
}

function summaryOf(trace: Trace, plan: Plan, drive: Drive, hostTransactions: number, inFlight: number) {
  const sorted = drive.latencies.sort((a, b) => a - b)
  const at = (share: number) => Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1))
  const seconds = drive.elapsedMs / 1_000
  return {
    hosts: trace.nodes.length,
    tasks: trace.pods.length,
    unplaced: plan.unplaced,
    transactions: drive.transactions + hostTransactions,
    stateChanges: drive.transactions,
    rows: trace.pods.length + trace.nodes.length,
    inFlight,
    seconds: Number(seconds.toFixed(2)),
    transactionsPerSecond: Math.round(drive.transactions / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    lsn: drive.lsn,
  }
}

function report(summary: ReturnType<typeof summaryOf>, found: Plan['expected']): void {
  printFields(summary)
  const rows = [...found].flatMap(([role, statuses]) => [...statuses].map(([status, tasks]) => [role, status, tasks]))
  printTable(['ROLE', 'STATUS', 'TASKS'], rows.sort())
}

function nested(found: Plan['expected']): Record<string, Record<string, number>> {
  return Object.fromEntries([...found].map(([role, statuses]) => [role, Object.fromEntries(statuses)]))
}
