import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import type { BorealClient } from '../client/client.ts'
import { CorruptEntry } from '../log/corrupt-entry.ts'
import { silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { type NodeFlags, nodeConfig, numberOf } from '../node/config.ts'
import { openLog } from '../node/open-log.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { offlineLogCommands } from './log-offline.ts'
import { printJson, printTable, progressBar } from './output.ts'

interface LogEntry {
  lsn: number
  time: number
  hash: string
  prev: string
  writer: string
  bytes: number
  transactions: { id: string; actor: string; events: { event: string }[] }[]
}

interface LogPage {
  items: LogEntry[]
  nextCursor?: string
}

export function logCommand(program: Command): void {
  const log = program.command('log').description('look into the log')

  withConnection(log.command('tail').description('the last entries'))
    .option('-n, --lines <n>', 'how many', '10')
    .option('-f, --follow', 'go on as entries come')
    .option('--json', 'one JSON object per entry')
    .action(tail)

  withConnection(log.command('show').description('one entry, whole'))
    .argument('<lsn>')
    .action(async (lsn: string, flags: ConnectionFlags) => {
      const client = connect(flags)
      printJson(await client.get(`/v1/log/${numberOf('lsn', lsn, 0, Number.MAX_SAFE_INTEGER)}`))
      await client.close()
    })

  withConnection(log.command('verify').description('check every entry: checksums, chain, density'))
    .option('--data <folder>', 'read the folder of a stopped embedded server instead of asking a server')
    .option('--table <name>', 'read a DynamoDB table instead of asking a server')
    .option('--bucket <name>', 'with --table: S3 bucket of the objects')
    .option('--objects <folder>', 'with --table: folder of the objects')
    .option('--json', 'answer as JSON')
    .action(verify)

  offlineLogCommands(log)
}

async function tail(flags: ConnectionFlags & { lines: string; follow?: boolean; json?: boolean }): Promise<void> {
  const client = connect(flags)
  const { lsn, startsAt } = await client.get<{ lsn: number; startsAt: number }>('/v1/status')
  const lines = numberOf('lines', flags.lines, 1, 1_000_000)
  let after = Math.max(startsAt, lsn - lines)
  for (;;) {
    const { items, nextCursor } = await client.get<LogPage>('/v1/log', { after, limit: 1_000 })
    if (items.length > 0) {
      printEntries(items, flags.json)
      after = items.at(-1)!.lsn
    }
    if (nextCursor !== undefined) continue
    if (!flags.follow) break
    await delay(500)
  }
  await client.close()
}

function printEntries(entries: LogEntry[], json: boolean | undefined): void {
  if (json) {
    for (const entry of entries) process.stdout.write(`${JSON.stringify(entry)}\n`)
    return
  }
  const rows = entries.map(({ lsn, time, bytes, transactions }) => [
    lsn,
    new Date(time).toISOString(),
    transactions.length,
    bytes,
    [...new Set(transactions.map((transaction) => transaction.actor))].join(' '),
    [...new Set(transactions.flatMap(({ events }) => events.map((event) => event.event)))].join(' '),
  ])
  printTable(['LSN', 'TIME', 'TXNS', 'BYTES', 'ACTORS', 'EVENTS'], rows)
}

interface Findings {
  storeId: string
  entries: number
  transactions: number
  lsn: number
  hash: string
}

async function verify(flags: ConnectionFlags & NodeFlags & { json?: boolean }): Promise<void> {
  const offline = flags.data !== undefined || flags.table !== undefined
  const findings = offline ? await verifyOffline(flags) : await verifyOnline(connect(flags))
  if (flags.json) printJson({ ok: true, ...findings })
  else {
    const { entries, transactions, lsn, hash } = findings
    process.stdout.write(`ok: ${entries} entries, ${transactions} transactions, up to LSN ${lsn} (${hash})\n`)
  }
}

/** Reads the table itself; every check that a node makes is made. */
async function verifyOffline(flags: NodeFlags): Promise<Findings> {
  const config = nodeConfig(flags, {})
  const context = { runtime: systemRuntime, logger: silentLogger }
  const { log, close } = await openLog(config.storage, config.name, context)
  try {
    const genesis = await log.genesis()
    const findings = { storeId: log.storeId, entries: 0, transactions: 0, lsn: genesis.lsn, hash: genesis.hash }
    let mark = genesis
    for await (const page of log.follow(genesis)) {
      for (const entry of page) {
        mark = entry
        findings.entries++
        findings.transactions += entry.transactions.length
        for (const index of entry.framed?.frames.keys() ?? []) await log.frameText(entry, index)
      }
    }
    await log.verifyEnd(mark)
    return { ...findings, lsn: mark.lsn, hash: mark.hash }
  } finally {
    await close()
  }
}

/** Asks a server for every entry. It checks each by itself before it answers; density and chain are checked here. */
async function verifyOnline(client: BorealClient): Promise<Findings> {
  const status = await client.get<{ storeId: string; lsn: number; startsAt: number }>('/v1/status')
  const { storeId, lsn: end, startsAt } = status
  let { hash } = await client.get<LogEntry>(`/v1/log/${startsAt}`)
  const findings = { storeId, entries: 0, transactions: 0, lsn: startsAt, hash }
  const progress = progressBar('verify', end - startsAt)
  try {
    for (let more = true; more; ) {
      const page = await client.get<LogPage>('/v1/log', { after: findings.lsn, limit: 1_000 })
      for (const entry of page.items) {
        if (entry.lsn !== findings.lsn + 1) throw new CorruptEntry(findings.lsn + 1, 'it is missing')
        if (entry.prev !== hash) throw new CorruptEntry(entry.lsn, `it does not follow the entry at ${findings.lsn}`)
        hash = entry.hash
        findings.lsn = entry.lsn
        findings.entries++
        findings.transactions += entry.transactions.length
      }
      progress.advance(page.items.length)
      more = page.nextCursor !== undefined
    }
    return { ...findings, hash }
  } finally {
    progress.stop()
    await client.close()
  }
}
