import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type RawBuilder,
  sql,
} from 'kysely'
import { jsonValueOf } from './column-types.ts'
import type { Engine } from './engine.ts'
import { Mutex } from './mutex.ts'
import type { ResultSet } from './result-set.ts'
import type { Schema } from './schema.ts'
import { type Statement, statement, toParam } from './statement.ts'

/**
 * Kysely in two roles: as a typed way to write statements that are run elsewhere (`db` with `compile`), and as a
 * client of one engine (`kyselyOf`). Either way statements are prepared once and sent in one message.
 */
function dialect(createDriver: () => Driver): Dialect {
  return {
    createDriver,
    createAdapter: () => new PostgresAdapter(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
  }
}

/** Builds statements and runs none. */
export const db = new Kysely<Schema>({ dialect: dialect(() => new DummyDriver()) })

/** A query of `db`, or a raw `sql` fragment, as a statement. */
export function compile(
  query: { compile(executor: typeof db): CompiledQuery } | { compile(): CompiledQuery },
): Statement {
  const compiled = query.compile(db)
  return { sql: compiled.sql, params: compiled.parameters.map(toParam) }
}

/** Stands for the key while a statement is compiled: no text in Postgres has this character. */
const KEY = '\0'

/**
 * A read of one record, compiled when it is used first: writing the same SQL for every key again took a sixth of what the
 * HTTP thread does for a point read.
 *
 * @example const quotaOfRole = byKey((role) => sql`select role, quota from quota where role = ${role}`)
 */
export function byKey(query: (key: string) => RawBuilder<unknown>): (key: string) => Statement {
  let compiled: Statement | undefined
  return (key) => {
    compiled ??= compile(query(KEY))
    return { sql: compiled.sql, params: compiled.params.map((param) => (param === KEY ? key : param)) }
  }
}

/** A Kysely that runs on an engine. The engine must be owned for as long as a transaction is open. */
export function kyselyOf(engine: Engine): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: dialect(() => new EngineDriver(engine)) })
}

/** There is one connection: whoever has it lets the others wait. */
class EngineDriver implements Driver {
  readonly #connection: DatabaseConnection
  readonly #mutex = new Mutex()
  #release: (() => void) | undefined

  constructor(engine: Engine) {
    this.#connection = {
      executeQuery: async <R>({ sql: text, parameters }: CompiledQuery) => {
        const [result] = await engine.run([statement(text, ...parameters)], { describe: true })
        return queryResult<R>(result!)
      },
      // biome-ignore lint/correctness/useYield: an engine answers in one message, there is nothing to stream.
      async *streamQuery() {
        throw new Error('results are not streamed; use a limit')
      },
    }
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}

  acquireConnection(): Promise<DatabaseConnection> {
    return new Promise((resolve) => {
      void this.#mutex.run(
        () =>
          new Promise<void>((release) => {
            this.#release = release
            resolve(this.#connection)
          }),
      )
    })
  }

  async releaseConnection(): Promise<void> {
    this.#release?.()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(sql`begin`.compile(db))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(sql`commit`.compile(db))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(sql`rollback`.compile(db))
  }
}

function queryResult<R>(result: ResultSet): QueryResult<R> {
  const rows = result.rows.map((cells) =>
    Object.fromEntries(
      result.columns.map(({ name, typeId }, index) => [name, jsonValueOf(cells[index] ?? null, typeId)]),
    ),
  ) as R[]
  return { rows, numAffectedRows: BigInt(result.affected) }
}
