import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { baseImage } from '../doctor/base.ts'
import type { Source } from '../doctor/context.ts'
import { diffLogs, isSame, type LogDifference, type SideAt } from '../doctor/diff-logs.ts'
import { openExport } from '../doctor/export-file.ts'
import { type ExportSource, exportSource, writeExport } from '../doctor/export-log.ts'
import { readingLog } from '../doctor/reading-log.ts'
import { digestAndQuery } from '../doctor/replay-until.ts'
import type { ExportedSlot } from '../log/export-format.ts'
import { BorealError } from '../model/errors.ts'
import { silentLogger } from '../model/logger.ts'
import { systemRuntime } from '../model/runtime.ts'
import { numberOf } from '../node/config.ts'
import { type ConnectionFlags, connect, withConnection } from './connection.ts'
import { printFields, printJson, printTable } from './output.ts'
import { doctorProgress, openForReading, type StoreFlags, withStore } from './store-flags.ts'

const DIFFERENT = 1

/** Commands about whole logs: written down, compared, replayed. */
export function offlineLogCommands(log: Command): void {
  withConnection(withStore(log.command('export').description('write the log down, byte for byte, with its bodies')))
    .argument('<file>', 'file to write, - for standard output')
    .addHelpText('after', '\nWith --data or --table the store is opened; otherwise a server is asked.')
    .action(exportLog)

  withStore(log.command('diff').description('where two logs part: exports, folders of embedded servers, table:NAME'))
    .argument('<a>')
    .argument('<b>')
    .option('--json', 'answer as JSON')
    .action(diff)

  withStore(log.command('replay').description('build a store in memory from the log alone, up to an entry'))
    .requiredOption('--until <lsn[.index]>', 'the last entry, or the last transaction in it (from 0)')
    .option('--export <file>', 'an export instead of a store')
    .option('--from-snapshot', 'begin at the newest snapshot below it instead of at the beginning')
    .option('--query <sql>', 'ask the store that was built')
    .option('--json', 'answer as JSON')
    .action(replayUntil)
}

async function exportLog(file: string, flags: StoreFlags & ConnectionFlags): Promise<void> {
  const offline = flags.data !== undefined || flags.table !== undefined
  const progress = doctorProgress()
  const run = async (source: ExportSource) => {
    progress.begin('entries', 0)
    const end = await intoFile(file, (write) =>
      writeExport(source, Date.now(), write, (count) => progress.advance(count)),
    )
    progress.end()
    process.stderr.write(`boreal: exported ${end.entries} entries of store ${source.storeId}, up to LSN ${end.end}\n`)
  }
  if (!offline) {
    const client = connect(flags)
    const page = (after: string) => client.get<ExportPage>('/v1/log-export', { after })
    try {
      await run(await askedFor(page))
    } finally {
      await client.close()
    }
    return
  }
  const source = await openForReading(flags)
  try {
    await run(await exportSource(source))
  } finally {
    await source.close()
  }
}

interface ExportPage {
  storeId: string
  trimmedTo: number
  quarantined?: string
  items: ExportedSlot[]
  nextCursor?: string
}

async function askedFor(ask: (after: string) => Promise<ExportPage>): Promise<ExportSource> {
  const first = await ask('-1')
  return {
    ...{ storeId: first.storeId, trimmedTo: first.trimmedTo, quarantined: first.quarantined },
    async *slots() {
      for (let page = first; ; page = await ask(page.nextCursor!)) {
        yield page.items
        if (page.nextCursor === undefined) return
      }
    },
  }
}

/** Written aside and put into place when it is whole. */
async function intoFile<T>(file: string, work: (write: (text: string) => Promise<void>) => Promise<T>): Promise<T> {
  if (file === '-') {
    return work(async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    })
  }
  const aside = `${file}.unfinished`
  const handle = await open(aside, 'w')
  try {
    const done = await work(async (text) => void (await handle.write(text)))
    await handle.sync()
    await rename(aside, file)
    return done
  } finally {
    await handle.close()
    await rm(aside, { force: true })
  }
}

async function diff(a: string, b: string, flags: StoreFlags & { json?: boolean }): Promise<void> {
  const left = await namedSource(a, flags)
  try {
    const right = await namedSource(b, flags)
    try {
      const progress = doctorProgress()
      progress.begin('entries', 0)
      const found = await diffLogs(left, right, () => progress.advance(1))
      progress.end()
      if (flags.json) printJson(found)
      else reportDifference(found)
      if (!isSame(found)) process.exitCode = DIFFERENT
    } finally {
      await right.close()
    }
  } finally {
    await left.close()
  }
}

/** A file is an export, a folder that of an embedded server. */
function namedSource(name: string, flags: StoreFlags): Promise<Source> {
  if (name.startsWith('table:'))
    return openForReading({ ...flags, data: undefined, table: name.slice('table:'.length) })
  if (!existsSync(name)) throw new BorealError('not_found', `there is no file or folder ${name}`)
  if (!statSync(name).isDirectory()) return openExport(name)
  return openForReading({ ...flags, table: undefined, bucket: undefined, objects: undefined, data: name })
}

function reportDifference({ same, first, different, onlyA, onlyB, storeIds }: LogDifference): void {
  if (storeIds[0] !== storeIds[1]) process.stdout.write(`two stores: ${storeIds.join(' and ')}\n`)
  process.stdout.write(`${same} entries are the same\n`)
  if (first === undefined) return
  const { lsn, fields, a, b } = first
  process.stdout.write(`first difference at LSN ${lsn}: ${fields.join(', ')}\n`)
  tellSide('A', a)
  tellSide('B', b)
  if (different > 0) process.stdout.write(`${different} entries differ\n`)
  for (const [name, { count, from, to }] of Object.entries({ A: onlyA, B: onlyB })) {
    if (count > 0) process.stdout.write(`${count} entries only in ${name}, from LSN ${from} to ${to}\n`)
  }
}

function tellSide(name: string, side: SideAt | undefined): void {
  if (side === undefined) return void process.stdout.write(`  ${name}: nothing\n`)
  const { hash, time, writer, transactions } = side
  process.stdout.write(`  ${name}: ${hash} by ${writer}, ${new Date(time).toISOString()}\n`)
  if (typeof transactions === 'string') process.stdout.write(`     ${transactions}\n`)
  else
    for (const { id, actor, events } of transactions) process.stdout.write(`     ${id} ${actor}: ${events.join(' ')}\n`)
}

interface ReplayFlags extends StoreFlags {
  until: string
  export?: string
  fromSnapshot?: boolean
  query?: string
  json?: boolean
}

async function replayUntil(flags: ReplayFlags): Promise<void> {
  const point = pointOf(flags.until)
  const source = await openForReading(flags)
  const progress = doctorProgress()
  try {
    if (flags.fromSnapshot && source.objects === undefined) {
      throw new BorealError('invalid_field', 'an export has no snapshots to begin at: leave --from-snapshot out')
    }
    const log = readingLog(source, { runtime: systemRuntime, logger: silentLogger })
    progress.begin('entries', point.lsn)
    let last = 0
    const onLsn = (lsn: number) => {
      progress.advance(lsn - last)
      last = lsn
    }
    const objects = flags.fromSnapshot ? source.objects : undefined
    const found = await digestAndQuery(
      { ...point, log, base: await baseImage(), logger: silentLogger, objects, onLsn },
      flags.query,
    )
    progress.end()
    if (flags.json) return printJson(found)
    const { rows, answer, ...fields } = found
    printFields({ ...fields, time: new Date(found.time).toISOString() })
    printTable(
      ['TABLE', 'ROWS'],
      Object.entries(rows).filter(([, count]) => count > 0),
    )
    if (answer === undefined) return
    printTable(answer.columns, answer.rows)
    if (answer.truncated) process.stdout.write('cut here: there are more rows\n')
  } finally {
    progress.end()
    await source.close()
  }
}

/** `12` or `12.3`. */
function pointOf(text: string): { lsn: number; index?: number } {
  const [lsn, index, ...rest] = text.split('.')
  if (rest.length > 0) throw new BorealError('invalid_field', `until must be an LSN or LSN.INDEX, not ${text}`)
  const point = { lsn: numberOf('until', lsn!, 0, Number.MAX_SAFE_INTEGER) }
  return index === undefined ? point : { ...point, index: numberOf('until', index, 0, 1_000_000) }
}
