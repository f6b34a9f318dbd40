import { BorealError } from '../model/errors.ts'
import { contentsOf } from '../snapshot/describe.ts'
import { jsonValueOf } from '../store/column-types.ts'
import { SqlError } from '../store/protocol.ts'
import { assertQuery } from '../store/sql-guard.ts'
import { statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'
import { type ReplayTo, storeAt } from './scratch-store.ts'

const MOST_ROWS = 10_000

export interface ReplayedState {
  lsn: number
  index?: number
  /** Hash of the entry. */
  hash: string
  time: number
  digest: string
  rows: Record<string, number>
  answer?: { columns: string[]; rows: unknown[][]; truncated: boolean }
}

/**
 * What a store holds that was built up to a point of the log, and what it answers to a query.
 *
 * @throws BorealError `query_failed`, and what {@link storeAt} throws
 */
export async function digestAndQuery(options: ReplayTo, sql?: string): Promise<ReplayedState> {
  if (sql !== undefined) assertQuery(sql)
  const store = await storeAt(options)
  try {
    const { lsn, hash, time } = store.mark
    const part = options.index === undefined ? {} : { index: options.index }
    const contents = await contentsOf(store)
    return {
      lsn,
      ...part,
      hash,
      time,
      ...contents,
      ...(sql === undefined ? {} : { answer: await answerOf(store, sql) }),
    }
  } finally {
    await store.engine.kill()
  }
}

async function answerOf(store: Store, sql: string): Promise<NonNullable<ReplayedState['answer']>> {
  try {
    const { columns, rows, truncated } = await store.engine.query(statement(sql), MOST_ROWS)
    const values = rows.map((cells) => cells.map((cell, index) => jsonValueOf(cell, columns[index]!.typeId)))
    return { columns: columns.map(({ name }) => name), rows: values, truncated }
  } catch (error) {
    if (error instanceof SqlError)
      throw new BorealError('query_failed', `${error.message} (SQLSTATE ${error.code})`, { cause: error })
    throw error
  }
}
