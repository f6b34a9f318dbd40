import { protocol } from '@electric-sql/pglite'
import { type Column, Result, type ResultSet } from './result-set.ts'
import type { Statement } from './statement.ts'

/**
 * The Postgres wire protocol, as far as Boreal speaks it: a list of statements becomes one message and its answer a
 * list of results. One message costs one entry into the database engine; a statement inside it costs a third of one
 * sent alone, and a prepared one half of one that is parsed and planned again.
 */

const { serialize } = protocol

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

/** Which statements an engine has prepared, by their text. Those not used for longest give way when there are too many. */
export class PreparedStatements {
  /** In the order of their last use. */
  readonly #names = new Map<string, string>()
  /** Names of which nobody knows whether they were prepared. */
  #doubtful: string[] = []
  #counter = 0

  /** Messages that bind and execute the statement, preparing it when needed. */
  messages(statement: Statement, describe = false): Uint8Array[] {
    // Closing one that was never prepared is no error.
    const messages = this.#doubtful.map((name) => serialize.close({ type: 'S', name }))
    this.#doubtful = []
    let name = this.#names.get(statement.sql)
    if (name === undefined) {
      if (this.#names.size >= MAX_PREPARED) messages.push(this.#evictOldest())
      name = `s${++this.#counter}`
      messages.push(serialize.parse({ name, text: statement.sql }))
    } else this.#names.delete(statement.sql)
    this.#names.set(statement.sql, name)
    messages.push(serialize.bind({ statement: name, values: statement.params }))
    if (describe) messages.push(serialize.describe({ type: 'P' }))
    messages.push(serialize.execute({}))
    if (statement.copy !== undefined)
      messages.push(copyDataHeader(statement.copy), statement.copy, serialize.copyDone())
    return messages
  }

  /** After an error nobody knows which parses took place: they are closed and prepared anew under other names. */
  forget(statements: Statement[]): void {
    for (const { sql } of statements) {
      const name = this.#names.get(sql)
      if (name !== undefined) this.#doubtful.push(name)
      this.#names.delete(sql)
    }
  }

  #evictOldest(): Uint8Array {
    const [sql, name] = this.#names.entries().next().value as [string, string]
    this.#names.delete(sql)
    return serialize.close({ type: 'S', name })
  }
}

/** What goes ahead of the rows of a COPY. (The serializer takes whole array buffers only.) */
function copyDataHeader({ byteLength }: Uint8Array): Uint8Array {
  const header = Buffer.from('d\0\0\0\0', 'latin1')
  header.writeInt32BE(byteLength + 4, 1)
  return header
}

/** Messages that open one statement that is not worth keeping prepared; its rows come with {@link fetchMessage}. */
export function unpreparedMessages(statement: Statement): Uint8Array[] {
  return [
    serialize.parse({ text: statement.sql }),
    serialize.bind({ values: statement.params }),
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
