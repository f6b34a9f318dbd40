import { Aftermath } from './aftermath.ts'
import type { Runner } from './procedure.ts'
import { jsonOf } from './protocol.ts'
import { BEGIN, COMMIT, type Statement, statement } from './statement.ts'
import type { Store } from './store.ts'

/**
 * Indexes of the tables that have most rows, but those that make keys unique: applying entries does not use them. To
 * keep them up to date row by row is two thirds of what a new task costs; to build them at the end a tenth of that.
 */
const INDEXES = statement(`
  select coalesce(json_agg(json_build_object('name', i.indexrelid::regclass::text, 'sql', pg_get_indexdef(i.indexrelid),
                    'table', i.indrelid::regclass::text)
                  order by i.indexrelid), '[]')
  from pg_index i where i.indrelid in ('task'::regclass, 'boreal.idempotency'::regclass) and not i.indisunique`)

/** An index that is away, by name and definition. */
export interface Index {
  name: string
  sql: string
}

/** Drops the secondary indexes of the large tables, or of one; {@link createIndexes} brings them back. */
export async function dropIndexes(store: Runner, table?: string): Promise<Index[]> {
  const [found] = await store.run([INDEXES])
  const indexes = jsonOf<(Index & { table: string })[]>(found)!.filter(
    (index) => table === undefined || index.table === table,
  )
  await store.run(indexes.map(({ name }) => statement(`drop index ${name}`)))
  return indexes
}

export function createIndexes(indexes: readonly Index[]): Statement[] {
  return indexes.map(({ sql }) => statement(sql))
}

/**
 * Runs `work` on a store that has no secondary indexes meanwhile and puts off what follows from changes (Aftermath), both
 * of which are made good at the end, whether the work succeeds or not. Nobody may read the store before that.
 *
 * @throws what the work throws, or what makes it impossible to complete the store: then its engine is of no use
 */
export async function bulkLoad(store: Store, work: (later: Aftermath) => Promise<void>): Promise<void> {
  const later = new Aftermath()
  const indexes = await dropIndexes(store)
  try {
    await work(later)
  } finally {
    if (store.engine.alive) await complete(store, [...later.statements(), ...createIndexes(indexes)])
  }
}

async function complete(store: Store, statements: Statement[]): Promise<void> {
  try {
    await store.run([BEGIN, ...statements, COMMIT])
  } catch (error) {
    await store.engine.kill('what was loaded could not be completed')
    throw error
  }
}
