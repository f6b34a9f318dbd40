import { messageOf } from '../model/errors.ts'
import type { Engine } from '../store/engine.ts'
import { BEGIN, COMMIT, type Statement, statement } from '../store/statement.ts'
import { type Block, type DumpHeader, damaged, dumpEnd, dumpHeader, parsedJson, readBlocks } from './dump-format.ts'

/**
 * A dump that is being read. Its two halves are loaded one after the other, so that there is room in between for what the
 * data needs to find. They run inside the SQL transaction that is open, if any; nothing of a block is run before its
 * checksum was right, but what came before it was: whoever loads a dump throws the store away when it fails.
 */
export interface OpenedDump {
  readonly header: DumpHeader
  readonly schemaVersion: number
  /** Makes schema `boreal` and everything in it and in `public`, where nothing of it is. */
  loadSchema(engine: Engine): Promise<void>
  /** Loads the rows, then makes indexes and foreign keys. Gives how many rows each table has. */
  loadData(engine: Engine): Promise<Record<string, number>>
}

/** What our own databases hold already. User SQL may read what it is granted, and make nothing. */
const CLEAR = [
  'drop schema if exists boreal cascade',
  'drop schema if exists public cascade',
  'create schema public',
  'grant usage on schema public to public',
].map((sql) => statement(sql))

/**
 * Reads the header of a dump, which comes in chunks of any size.
 *
 * @throws BorealError `backup_corrupt` when it is damaged: here, or while its halves are loaded
 */
export async function openDump(chunks: AsyncIterable<Uint8Array>): Promise<OpenedDump> {
  const blocks = readBlocks(chunks)
  /** The first block behind those that were used. */
  let next: Block | undefined
  const advance = async () => {
    const { value, done } = await blocks.next()
    next = done ? undefined : value
  }
  await advance()
  if (next?.kind !== 'header') throw damaged('does not begin with a header')
  const header = parsedJson(dumpHeader, next.json)
  await advance()
  const runWhile = async (engine: Engine, kinds: Block['kind'][], ran: (block: Block, affected: number) => void) => {
    for (; next !== undefined && (next.kind === 'psql' || kinds.includes(next.kind)); await advance()) {
      if (next.kind !== 'psql') ran(next, await runBlock(engine, next))
    }
  }
  return {
    header,
    schemaVersion: header.schemaVersion,
    loadSchema: (engine) => runWhile(engine, ['schema'], () => undefined),
    async loadData(engine) {
      const rows: Record<string, number> = {}
      await runWhile(engine, ['rows', 'indexes'], ({ kind, sql }, affected) => {
        if (kind === 'rows') rows[tableOf(sql)] = (rows[tableOf(sql)] ?? 0) + affected
      })
      if (next?.kind !== 'end') throw damaged('has a block where none must be')
      const end = parsedJson(dumpEnd, next.json)
      await advance()
      for (const [table, count] of Object.entries(end.rows)) {
        if ((rows[table] ?? 0) !== count) throw damaged(`has ${rows[table] ?? 0} rows of ${table} instead of ${count}`)
      }
      return end.rows
    },
  }
}

/**
 * Loads a dump into an engine in one SQL transaction, in place of whatever the engine held.
 *
 * @throws BorealError `backup_corrupt` when it is damaged; the engine is then of no use
 */
export async function loadDump(engine: Engine, chunks: AsyncIterable<Uint8Array>): Promise<DumpHeader> {
  const dump = await openDump(chunks)
  await engine.run([BEGIN, ...CLEAR])
  await dump.loadSchema(engine)
  await dump.loadData(engine)
  await engine.run([COMMIT])
  return dump.header
}

/** Runs a block's statement; gives the number of rows it has put. */
async function runBlock(engine: Engine, { sql, copy }: Block): Promise<number> {
  const run: Statement = copy === undefined ? statement(sql) : { ...statement(sql), copy }
  try {
    const [result] = await engine.run([run])
    return result!.affected
  } catch (error) {
    throw damaged(`cannot be loaded: ${messageOf(error)}`, error)
  }
}

function tableOf(sql: string): string {
  return /^copy (\S+)/.exec(sql)?.[1] ?? sql
}
