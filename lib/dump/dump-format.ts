import { createHash } from 'node:crypto'
import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { lsn } from '../model/scalars.ts'

/**
 * The form of a dump: SQL that psql runs from beginning to end, cut into blocks. A block is a line that says what it is, one
 * statement at most (with rows, if it is a COPY), and a line with a checksum over it and the checksum before. So a block
 * can be believed before the rest was read, and none can be changed, left out or moved.
 */
export const DUMP_FORMAT = 1

export const dumpHeader = z.strictObject({
  format: z.literal(DUMP_FORMAT),
  storeId: z.string().min(1),
  lsn: lsn.describe('the last entry that it has'),
  hash: z.string().describe('chain hash of that entry'),
  entryTime: z.int().nonnegative(),
  schemaVersion: z.int().positive(),
  schemaChecksum: z.string(),
  logFormat: z.int().positive(),
  digest: z.string().optional().describe('state digest'),
})

/** What a dump is of. */
export type DumpHeader = z.infer<typeof dumpHeader>

/** What the last block says: rows by table. */
export const dumpEnd = z.strictObject({ rows: z.record(z.string(), z.int().nonnegative()) })

export type BlockKind =
  /** What the dump is of; the first. */
  | 'header'
  /** What only psql needs: a loader of ours has its own. */
  | 'psql'
  /** The schema section. */
  | 'schema'
  /** The data section: rows, then indexes and foreign keys. */
  | 'rows'
  | 'indexes'
  /** The last: how many rows there were. */
  | 'end'

export interface Block {
  kind: BlockKind
  /** JSON behind the kind, if any. */
  json: string
  /** The statement, without its semicolon; empty when there is none. */
  sql: string
  /** Rows of a COPY, in its text form. */
  copy?: Buffer
}

const KINDS: readonly string[] = ['header', 'psql', 'schema', 'rows', 'indexes', 'end'] satisfies BlockKind[]
const SUM_LINE = Buffer.from('\n-- sha256 ')
const SUM_BYTES = SUM_LINE.byteLength + 64 + 1
const END_OF_ROWS = Buffer.from('\\.\n')

/** Blocks are far smaller: one row has at most some megabytes, and rows are put into blocks of one. */
const MOST_BLOCK_BYTES = 512 * 1024 * 1024

/** Writes blocks, one after the other. */
export class BlockWriter {
  #sum = ''

  write({ kind, json, sql, copy }: Block): Buffer {
    const head = Buffer.from(`-- boreal:${kind}${json === '' ? '' : ` ${json}`}\n${sql === '' ? '' : `${sql};\n`}`)
    const body = copy === undefined ? head : Buffer.concat([head, copy, END_OF_ROWS])
    this.#sum = chained(this.#sum, body)
    return Buffer.concat([body, Buffer.from(`-- sha256 ${this.#sum}\n`)])
  }
}

/**
 * Reads blocks out of chunks of any size; holds one block and one chunk.
 *
 * @throws BorealError `backup_corrupt` for anything that no writer of ours has written, and when the end is missing
 */
export async function* readBlocks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let pending: Buffer = Buffer.alloc(0)
  let sum = ''
  let ended = false
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    pending = pending.byteLength === 0 ? bytes : Buffer.concat([pending, bytes])
    for (let at = pending.indexOf(SUM_LINE); at >= 0 && at + SUM_BYTES <= pending.byteLength; ) {
      const body = pending.subarray(0, at + 1)
      sum = chained(sum, body)
      const found = pending.toString('latin1', at + SUM_LINE.byteLength, at + SUM_BYTES)
      if (found !== `${sum}\n`) throw damaged('does not match its checksum')
      pending = pending.subarray(at + SUM_BYTES)
      if (ended) throw damaged('has something behind its end')
      const block = blockOf(body)
      ended = block.kind === 'end'
      yield block
      at = pending.indexOf(SUM_LINE)
    }
    if (pending.byteLength > MOST_BLOCK_BYTES) throw damaged('has no checksum where one must be')
  }
  if (!ended) throw damaged('is cut off')
  if (pending.byteLength > 0) throw damaged('has something behind its end')
}

function chained(previous: string, body: Uint8Array): string {
  return createHash('sha256').update(previous).update(body).digest('hex')
}

function blockOf(body: Buffer): Block {
  const lineEnd = body.indexOf(0x0a)
  const [, kind, json = ''] = /^-- boreal:([a-z]+)(?: (.*))?$/.exec(body.toString('utf8', 0, lineEnd)) ?? []
  if (kind === undefined || !KINDS.includes(kind)) throw damaged('has a block that this build does not know')
  const rest = body.subarray(lineEnd + 1)
  if (kind === 'rows') {
    const sqlEnd = rest.indexOf(';\n')
    const copy = rest.subarray(sqlEnd + 2, rest.byteLength - END_OF_ROWS.byteLength)
    return { kind, json, sql: rest.toString('utf8', 0, sqlEnd), copy }
  }
  return { kind: kind as BlockKind, json, sql: rest.toString('utf8').replace(/;\n$/, '') }
}

/** @throws BorealError `backup_corrupt` when the JSON of a block is not of the form that it must have */
export function parsedJson<T>(schema: z.ZodType<T>, json: string): T {
  try {
    return schema.parse(JSON.parse(json))
  } catch (error) {
    throw damaged('is of a form that this build does not know', error)
  }
}

export function damaged(why: string, cause?: unknown): BorealError {
  return new BorealError('backup_corrupt', `the dump ${why}`, { cause })
}
