import { serialize } from 'pg-protocol'
import { type Column, Result, type ResultSet } from './result-set.ts'
import type { Param, Statement } from './statement.ts'

/**
 * The Postgres wire protocol, as far as Boreal speaks it: a list of statements becomes one message and its answer a
 * list of results. One message costs one entry into the database engine; a statement inside it costs a third of one
 * sent alone, and a prepared one half of one that is parsed and planned again.
 */

/** What the serializer takes for bytes is a Buffer; what came from another thread is none any more. */
function asBuffer(param: Param): Param {
  return param instanceof Uint8Array ? Buffer.from(param.buffer, param.byteOffset, param.byteLength) : param
}

/** A failed statement, with what Postgres says about it. */
export class SqlError extends Error {
  /** SQLSTATE, e.g. `23505`. */
  readonly code: string
  readonly constraint: string | undefined
  /** Position of the failed statement in the list that was run. */
  readonly index: number

  constructor(message: string, code: string, index: number, constraint?: string) {
    super(message)
    this.name = 'SqlError'
    this.code = code
    this.index = index
    this.constraint = constraint
  }
}

/** SQLSTATE class 23: a rule of the data is broken. */
export function isConstraintViolation(error: SqlError): boolean {
  return error.code.startsWith('23')
}

/** How many prepared statements one engine keeps. The fixed ones are about fifty; the rest are shapes of queries. */
const MAX_PREPARED = 400

interface Prepared {
  name: string
  /** Number of its last use. */
  used: number
}

/** Which statements an engine has prepared, by their text. Those not used for longest give way when there are too many. */
export class PreparedStatements {
  readonly #prepared = new Map<string, Prepared>()
  /** Names of which nobody knows whether they were prepared. */
  #doubtful: string[] = []
  #uses = 0

  /** Messages that bind and execute the statement, preparing it when needed. */
  messages(statement: Statement, describe = false): Uint8Array[] {
    // Closing one that was never prepared is no error.
    const messages: Uint8Array[] = this.#doubtful.map((name) => serialize.close({ type: 'S', name }))
    this.#doubtful = []
    const used = ++this.#uses
    let prepared = this.#prepared.get(statement.sql)
    if (prepared === undefined) {
      if (this.#prepared.size >= MAX_PREPARED) messages.push(this.#evictOldest())
      prepared = { name: `s${used}`, used }
      this.#prepared.set(statement.sql, prepared)
      messages.push(serialize.parse({ name: prepared.name, text: statement.sql }))
    }
    prepared.used = used
    messages.push(serialize.bind({ statement: prepared.name, values: statement.params, valueMapper: asBuffer }))
    if (describe) messages.push(serialize.describe({ type: 'P' }))
    messages.push(serialize.execute())
    if (statement.copy !== undefined)
      messages.push(copyDataHeader(statement.copy), statement.copy, serialize.copyDone())
    return messages
  }

  /** After an error nobody knows which parses took place: they are closed and prepared anew under other names. */
  forget(statements: Statement[]): void {
    for (const { sql } of statements) {
      const prepared = this.#prepared.get(sql)
      if (prepared !== undefined) this.#doubtful.push(prepared.name)
      this.#prepared.delete(sql)
    }
  }

  #evictOldest(): Uint8Array {
    let [oldest] = this.#prepared
    for (const each of this.#prepared) if (each[1].used < oldest![1].used) oldest = each
    const [sql, { name }] = oldest!
    this.#prepared.delete(sql)
    return serialize.close({ type: 'S', name })
  }
}

/** What goes ahead of the rows of a COPY: the serializer would copy them. */
function copyDataHeader({ byteLength }: Uint8Array): Uint8Array {
  const header = Buffer.from('d\0\0\0\0', 'latin1')
  header.writeInt32BE(byteLength + 4, 1)
  return header
}

/** Messages that open one statement that is not worth keeping prepared; its rows come with {@link fetchMessage}. */
export function unpreparedMessages(statement: Statement): Uint8Array[] {
  return [
    serialize.parse({ text: statement.sql }),
    serialize.bind({ values: statement.params, valueMapper: asBuffer }),
    serialize.describe({ type: 'P' }),
  ]
}

/** Message for the next rows of the statement that was opened, inside the same SQL transaction. */
export function fetchMessage(rows: number): Uint8Array {
  return serialize.execute({ rows })
}

/** How many rows an answer has, and whether the statement has more to give. */
export function fetched(bytes: Uint8Array): { rows: number; more: boolean } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let rows = 0
  let more = false
  for (let offset = 0; offset < buffer.length; offset += 1 + buffer.readInt32BE(offset + 1)) {
    if (buffer[offset] === 0x44) rows++
    else if (buffer[offset] === 0x73) more = true
  }
  return { rows, more }
}

/** The result of a statement whose rows were fetched in parts, behind `skip` other results; at most `maxRows` rows. */
export function fetchedResult(bytes: Uint8Array, skip: number, maxRows: number): ResultSet {
  const parts = decodeResults(bytes).slice(skip)
  const wire = parts.flatMap((part) => part.wire)
  const truncated = wire.length > maxRows || parts.at(-1)!.truncated
  const { affected, columns } = parts[0]!
  return new Result(wire.slice(0, maxRows), affected, columns, truncated)
}

/** One message out of many, closed by Sync. */
export function joined(messages: Uint8Array[]): Uint8Array {
  return Buffer.concat([...messages, serialize.sync()])
}

/** Reads the answer to a list of statements. Throws {@link SqlError} for the first that failed. */
export function decodeResults(bytes: Uint8Array): ResultSet[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const results: ResultSet[] = []
  let current = new Result()
  for (let offset = 0; offset < buffer.length; ) {
    const type = buffer[offset]
    const start = offset + 5
    const end = offset + 1 + buffer.readInt32BE(offset + 1)
    offset = end
    switch (type) {
      case 0x44: // DataRow
        current.wire.push(buffer.subarray(start, end))
        break
      case 0x54: // RowDescription
        current.columns = readColumns(buffer, start)
        break
      case 0x43: // CommandComplete, e.g. "INSERT 0 12"
        current.affected =
          Number(
            buffer
              .toString('latin1', start, end - 1)
              .split(' ')
              .at(-1),
          ) || 0
        results.push(current)
        current = new Result()
        break
      case 0x73: // PortalSuspended
        current.truncated = true
        results.push(current)
        current = new Result()
        break
      case 0x49: // EmptyQueryResponse
        results.push(current)
        current = new Result()
        break
      case 0x45: // ErrorResponse
        throw readError(buffer, start, results.length)
    }
  }
  return results
}

function readColumns(buffer: Buffer, start: number): Column[] {
  const columns: Column[] = []
  let offset = start + 2
  for (let i = buffer.readInt16BE(start); i > 0; i--) {
    const end = buffer.indexOf(0, offset)
    columns.push({ name: buffer.toString('utf8', offset, end), typeId: buffer.readInt32BE(end + 7) })
    offset = end + 19
  }
  return columns
}

function readError(buffer: Buffer, start: number, index: number): SqlError {
  const fields: Record<string, string> = {}
  for (let offset = start; buffer[offset] !== 0; ) {
    const end = buffer.indexOf(0, offset + 1)
    fields[String.fromCharCode(buffer[offset]!)] = buffer.toString('utf8', offset + 1, end)
    offset = end + 1
  }
  const message = fields.D === undefined ? fields.M : `${fields.M} (${fields.D})`
  return new SqlError(message ?? 'unknown database error', fields.C ?? 'XX000', index, fields.n)
}
