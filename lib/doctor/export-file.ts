import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import {
  type ExportEnd,
  type ExportedSlot,
  type ExportHeader,
  exportEnd,
  exportedSlot,
  exportHeader,
  importSlot,
  lineOf,
} from '../log/export-format.ts'
import type { LogInspection, Slot } from '../log/inspection.ts'
import { BUCKET_SIZE } from '../log/keys.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { notFound } from '../objects/object-store.ts'
import type { Source } from './context.ts'
import type { Finding } from './finding.ts'

const PAGE_BYTES = 1024 * 1024

/** Where the slots of an export are in its file: 16 bytes each are in memory, whatever their size. */
interface Index {
  lsns: number[]
  /** Offset of each line, and of what follows the last one. */
  offsets: number[]
}

/**
 * Opens an export for looking into it. It is read through once: its order, how its lines are written, and its end.
 *
 * @throws BorealError `log_corrupt` when it is no export
 */
export async function openExport(file: string): Promise<Source> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new BorealError('not_found', `${file} cannot be read: ${messageOf(error)}`, { cause: error })
  })
  try {
    const { header, index, findings } = await indexOf(file)
    const log = new ExportInspection(handle, header, index)
    return {
      place: file,
      storeId: header.storeId,
      log,
      bodies: { get: (key) => log.body(key) },
      findings,
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function indexOf(file: string): Promise<{ header: ExportHeader; index: Index; findings: Finding[] }> {
  const index: Index = { lsns: [], offsets: [] }
  const findings: Finding[] = []
  const hash = createHash('sha256')
  let header: ExportHeader | undefined
  let end: ExportEnd | undefined
  let lines = 0
  for await (const { line, offset } of linesOf(file)) {
    lines++
    if (header === undefined) header = headerOf(line, file)
    else if (line.startsWith('{"end":')) end = parsed(exportEnd, line)
    else {
      const slot = parsed(exportedSlot, line)
      const last = index.lsns.at(-1) ?? -1
      if (slot === undefined || slot.lsn <= last || lineOf(slot) !== line) {
        findings.push(broken(file, `line ${lines} is damaged, or out of order`))
      } else {
        index.lsns.push(slot.lsn)
        index.offsets.push(offset)
      }
    }
    if (end !== undefined) {
      index.offsets.push(offset)
      break
    }
    hash.update(`${line}\n`)
  }
  if (header === undefined) throw new BorealError('log_corrupt', `${file} is empty`)
  if (end === undefined) {
    findings.push(broken(file, 'it has no end: it was cut off, or is still being written'))
    index.offsets.push(Number.MAX_SAFE_INTEGER)
  } else if (end.sha256 !== hash.digest('hex') || end.entries !== index.lsns.length) {
    findings.push(broken(file, 'it does not match its checksum'))
  }
  return { header, index, findings }
}

function headerOf(line: string, file: string): ExportHeader {
  const header = parsed(exportHeader, line)
  if (header !== undefined) return header
  throw new BorealError('log_corrupt', `${file} is no export of a log, or of a form that this build does not know`)
}

function broken(file: string, what: string): Finding {
  return {
    ...{ severity: 'damage', key: file, what },
    safe: 'Each entry is examined by itself all the same.',
    next: 'Export again, and look at the disk.',
  }
}

function parsed<T>(schema: { safeParse(value: unknown): { success: boolean; data?: T } }, line: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** Lines with their places in the file. An unfinished last one comes, too. */
async function* linesOf(file: string): AsyncGenerator<{ line: string; offset: number }> {
  let pieces: Buffer[] = []
  let offset = 0
  for await (const chunk of createReadStream(file, { highWaterMark: PAGE_BYTES }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...pieces, chunk.subarray(from, at)])
      yield { line: line.toString('utf8'), offset }
      offset += line.byteLength + 1
      pieces = []
      from = at + 1
    }
    if (from < chunk.byteLength) pieces.push(chunk.subarray(from))
  }
  if (pieces.length > 0) yield { line: Buffer.concat(pieces).toString('utf8'), offset }
}

/** The log in an export. */
class ExportInspection implements LogInspection {
  readonly storeId: string
  readonly #file: FileHandle
  readonly #header: ExportHeader
  readonly #index: Index

  constructor(file: FileHandle, header: ExportHeader, index: Index) {
    this.storeId = header.storeId
    this.#file = file
    this.#header = header
    this.#index = index
  }

  async slot(lsn: number): Promise<Slot | undefined> {
    const found = await this.#exported(lsn)
    return found === undefined ? undefined : { item: importSlot(found).item, strange: [] }
  }

  async slots(after: number): Promise<Slot[]> {
    const slots: Slot[] = []
    const end = (Math.floor((after + 1) / BUCKET_SIZE) + 1) * BUCKET_SIZE
    let bytes = 0
    for (let at = this.#from(after + 1); at < this.#index.lsns.length && bytes < PAGE_BYTES; at++) {
      if (this.#index.lsns[at]! >= end) break
      const line = await this.#line(at)
      bytes += line.length
      slots.push({ item: importSlot(JSON.parse(line) as ExportedSlot).item, strange: [] })
    }
    return slots
  }

  async head() {
    const { trimmedTo, quarantined } = this.#header
    return { trimmedTo, quarantined: quarantined ?? undefined, strange: [] }
  }

  async registration() {
    return undefined
  }

  /** A body that was beside the table. */
  async body(key: string): Promise<Uint8Array> {
    const lsn = Number(/\/bodies\/(\d{16})-/.exec(key)?.[1] ?? -1)
    const found = await this.#exported(lsn)
    const body = found?.bodyKey === key ? importSlot(found).body : undefined
    if (body === undefined) throw notFound(key)
    return body
  }

  async #exported(lsn: number): Promise<ExportedSlot | undefined> {
    const at = this.#from(lsn)
    return this.#index.lsns[at] === lsn ? (JSON.parse(await this.#line(at)) as ExportedSlot) : undefined
  }

  /** The first place at or behind an LSN. */
  #from(lsn: number): number {
    let [low, high] = [0, this.#index.lsns.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#index.lsns[middle]! < lsn) low = middle + 1
      else high = middle
    }
    return low
  }

  async #line(at: number): Promise<string> {
    const offset = this.#index.offsets[at]!
    const length = Math.min(this.#index.offsets[at + 1]!, (await this.#file.stat()).size) - offset
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(length), 0, length, offset)
    // What is between two lines that are believed may be one that is not.
    const text = buffer.subarray(0, bytesRead).toString('utf8')
    const end = text.indexOf('\n')
    return end === -1 ? text : text.slice(0, end)
  }
}
