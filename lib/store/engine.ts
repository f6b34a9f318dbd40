import { PGlite } from '@electric-sql/pglite'
import { folderBytes, ImageFolder, imageOf, type NeededWal } from './data-folder.ts'
import { IMAGE_PART_BYTES, type ImageParts, type StoreImage } from './image-parts.ts'
import { INITDB_PARAMS, postgresConf } from './postgres-conf.ts'
import { type Procedure, runProcedure } from './procedure.ts'
import {
  decodeResults,
  fetched,
  fetchedResult,
  fetchMessage,
  joined,
  PreparedStatements,
  unpreparedMessages,
} from './protocol.ts'
import { MAX_PAGE_BYTES } from './read.ts'
import { jsonOf, type ResultSet } from './result-set.ts'
import { QUERY_EPILOGUE, QUERY_PROLOGUE } from './sql-guard.ts'
import { type Statement, statement } from './statement.ts'

/**
 * An engine runs statements; it knows nothing of tasks or logs. There is one connection and one thread, so statements
 * run one after another, and whoever opens a SQL transaction must own the engine until it ends (see Store).
 */
export interface Engine {
  /** Runs the statements in order, in one message; stops at the first that fails (SqlError). */
  run(statements: Statement[], options?: RunOptions): Promise<ResultSet[]>
  /**
   * Runs a procedure beside the engine, with statements ahead of its first ones.
   *
   * @throws EngineDied when those fail, and whatever the procedure throws
   */
  call<Input, Output>(procedure: Procedure<Input, Output>, input: Input, ahead?: Statement[]): Promise<Output>
  /**
   * Runs one statement of a user's, read-only (sql-guard.ts), and gives its first rows, with columns: at most `maxRows`,
   * and no more than make a page of bytes.
   */
  query(statement: Statement, maxRows: number): Promise<ResultSet>
  /** Bytes of memory the engine holds, approximately. */
  memory(): Promise<number>
  /**
   * A physical copy of the database (tar of the data directory), from which an engine can boot, in parts of IMAGE_PART_BYTES.
   * Nothing else may be asked of the engine until the last one has come.
   */
  image(): AsyncGenerator<Uint8Array>
  /** Ends at once, whatever is running. A reason says that something is wrong. */
  kill(reason?: string): Promise<void>
  readonly alive: boolean
}

export interface RunOptions {
  /** Give the columns' names and types too. */
  describe?: boolean
}

/** Version of Postgres in the engine. Images are bound to it: another one cannot read them. */
export const POSTGRES_MAJOR = 18

/**
 * Session settings. Nothing analyzes a young table, and a prepared statement keeps its first generic plan, so a plan
 * made on an empty table would scan for ever. Every lookup has an index; a plan that scans is never right here.
 */
const SESSION = [
  'set enable_seqscan = off',
  'set plan_cache_mode = force_generic_plan',
  'set client_min_messages = error',
  // Analyzing samples so many rows times 300, whatever the size of a table; the usual 100 would stall reads for longer.
  'set default_statistics_target = 30',
].join(';')

/** Rows of a user's statement that are fetched before anything is known of their size. */
const FIRST_FETCH = 16

const INITIAL_MEMORY = 128 * 1024 * 1024

/** What of the log of changes an image needs: from the last checkpoint on. */
const NEEDED_WAL = statement(`
  select json_build_object('first', pg_walfile_name(redo_lsn), 'last', pg_walfile_name(pg_current_wal_lsn()))
  from pg_control_checkpoint()`)

/** An engine in this thread. */
export class PgliteEngine implements Engine {
  readonly #pg: PGlite
  readonly #prepared = new PreparedStatements()
  #alive = true
  /** The image that is being handed out. */
  #image: Generator<Uint8Array> | undefined

  private constructor(pg: PGlite) {
    this.#pg = pg
  }

  /** Boots from an image, or runs initdb (seconds) when there is none. */
  static async boot(image?: ImageParts, wasm?: WebAssembly.Module): Promise<PgliteEngine> {
    const pg = await PGlite.create({
      initialMemory: INITIAL_MEMORY,
      // Written at every boot: an image of an earlier build has its own.
      postgresqlconf: postgresConf(image?.count ?? 1),
      ...(wasm === undefined ? {} : { pgliteWasmModule: wasm }),
      ...(image === undefined ? { initDbStartParams: INITDB_PARAMS } : { fs: new ImageFolder(image) }),
    })
    await pg.exec(SESSION)
    return new PgliteEngine(pg)
  }

  /** Boots from an image, in this thread. */
  static bootImage({ parts, wasm }: StoreImage): Promise<PgliteEngine> {
    return PgliteEngine.boot(parts, wasm)
  }

  get alive(): boolean {
    return this.#alive
  }

  async run(statements: Statement[], options: RunOptions = {}): Promise<ResultSet[]> {
    return decodeResults(await this.runRaw(statements, options))
  }

  /** Like `run`, with the answer as it comes off the wire, to be decoded elsewhere. */
  async runRaw(statements: Statement[], options: RunOptions = {}): Promise<Uint8Array> {
    const bytes = await this.#send(statements.flatMap((each) => this.#prepared.messages(each, options.describe)))
    if (hasError(bytes)) this.#prepared.forget(statements)
    return bytes
  }

  call<Input, Output>(procedure: Procedure<Input, Output>, input: Input, ahead: Statement[] = []): Promise<Output> {
    return runProcedure(this, procedure, input, ahead)
  }

  async query(statement: Statement, maxRows: number): Promise<ResultSet> {
    return queryResult(await this.queryRaw(statement, maxRows), maxRows)
  }

  /**
   * Like `query`, to be decoded with `queryResult`. Rows are fetched in parts, as many at a time as should fit, so a
   * result that is too large is not made in full; one row too many shows that there are more.
   */
  async queryRaw(statement: Statement, maxRows: number): Promise<Uint8Array> {
    const prologue = QUERY_PROLOGUE.flatMap((each) => this.#prepared.messages(each))
    const chunks: Uint8Array[] = []
    let [rows, bytes] = [0, 0]
    const fetch = async (before: Uint8Array[], count: number) => {
      const chunk = await this.#send([...before, fetchMessage(Math.max(1, Math.min(count, maxRows + 1 - rows)))])
      chunks.push(chunk)
      const { rows: more, ...rest } = fetched(chunk)
      rows += more
      bytes += chunk.byteLength
      return rest.more && rows <= maxRows && bytes <= MAX_PAGE_BYTES
    }
    let goOn = await fetch([...prologue, ...unpreparedMessages(statement)], FIRST_FETCH)
    while (goOn) goOn = await fetch([], Math.ceil(((MAX_PAGE_BYTES - bytes) / bytes) * rows))
    await this.runRaw(QUERY_EPILOGUE)
    return concatenated(chunks)
  }

  async #send(messages: Uint8Array[]): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    await this.#pg.execProtocolRawStream(joined(messages), {
      syncToFs: false,
      // The chunk is a window into the engine's memory and must be copied.
      onRawData: (chunk) => chunks.push(chunk.slice()),
    })
    return concatenated(chunks)
  }

  async exec(sql: string): Promise<void> {
    await this.#pg.exec(sql)
  }

  async memory(): Promise<number> {
    return folderBytes(this.#pg) + this.#pg.Module.HEAPU8.byteLength
  }

  async *image(): AsyncGenerator<Uint8Array> {
    for (let part = await this.imagePart(true); part !== undefined; part = await this.imagePart(false)) yield part
  }

  /** The first part of an image of now, or the next one of the image that was begun; undefined behind the last. */
  async imagePart(first: boolean): Promise<Uint8Array | undefined> {
    if (first) {
      await this.#pg.exec('checkpoint')
      const [wal] = await this.run([NEEDED_WAL])
      this.#image = imageOf(this.#pg, IMAGE_PART_BYTES, jsonOf<NeededWal>(wal)!)
    }
    const { value, done } = this.#image!.next()
    return done ? undefined : value
  }

  async kill(): Promise<void> {
    if (!this.#alive) return
    this.#alive = false
    await this.#pg.close()
  }
}

/** The answer to `queryRaw`, decoded. */
export function queryResult(bytes: Uint8Array, maxRows: number): ResultSet {
  return fetchedResult(bytes, QUERY_PROLOGUE.length, maxRows)
}

/** In memory of its own, so that it can be handed to another thread. */
function concatenated(chunks: Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(chunks.reduce((bytes, chunk) => bytes + chunk.byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

function hasError(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let offset = 0; offset < buffer.length; offset += 1 + buffer.readInt32BE(offset + 1)) {
    if (buffer[offset] === 0x45) return true
  }
  return false
}
