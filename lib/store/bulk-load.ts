import { Aftermath } from './aftermath.ts'
import { jsonOf } from './protocol.ts'
import { BEGIN, COMMIT, type Statement, statement } from './statement.ts'
import type { Store } from './store.ts'

/**
 * Indexes of the tables that have most rows, but those that make keys unique: applying entries does not use them. To
 * keep them up to date row by row is two thirds of what a new task costs; to build them at the end a tenth of that.
 */
const INDEXES = statement(`
  select coalesce(json_agg(json_build_object('name', i.indexrelid::regclass::text, 'sql', pg_get_indexdef(i.indexrelid))
                  order by i.indexrelid), '[]')
  from pg_index i where i.indrelid in ('task'::regclass, 'boreal.idempotency'::regclass) and not i.indisunique`)

/**
 * Runs `work` on a store that has no secondary indexes meanwhile and puts off what follows from changes (Aftermath), both
 * of which are made good at the end, whether the work succeeds or not. Nobody may read the store before that.
 *
 * @throws what the work throws, or what makes it impossible to complete the store: then its engine is of no use
 */
export async function bulkLoad(store: Store, work: (later: Aftermath) => Promise<void>): Promise<void> {
  const [found] = await store.run([INDEXES])
  const indexes = jsonOf<{ name: string; sql: string }[]>(found)!
  const later = new Aftermath()
  await store.run(indexes.map(({ name }) => statement(`drop index ${name}`)))
  try {
    await work(later)
  } finally {
    if (store.engine.alive) await complete(store, [...later.statements(), ...indexes.map(({ sql }) => statement(sql))])
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
