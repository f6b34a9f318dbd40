import { type Aftermath, aheadOfRows, behindRows, mergeAftermath, newAftermath } from './aftermath.ts'
import type { Runner } from './procedure.ts'
import { jsonOf } from './result-set.ts'
import { AS_REPLICA, BEGIN, COMMIT, type Statement, statement } from './statement.ts'
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
 * A store that nobody reads is loaded: what follows from changes (Aftermath) is put off, and it may have no secondary indexes
 * meanwhile; both are made good at the end, whether the load succeeded or not.
 */
export class BulkLoad {
  readonly #store: Store
  #later: Aftermath | undefined
  #indexes: Index[] | undefined

  constructor(store: Store) {
    this.#store = store
  }

  get hasIndexes(): boolean {
    return this.#indexes === undefined
  }

  async dropIndexes(): Promise<void> {
    this.#indexes ??= await dropIndexes(this.#store)
  }

  /** Takes in what follows from changes that the store has taken. */
  putOff(later: Aftermath): void {
    this.#later ??= newAftermath()
    mergeAftermath(this.#later, later)
  }

  /** @throws what makes it impossible to complete the store: then its engine is of no use, and is ended */
  async end(): Promise<void> {
    const { engine } = this.#store
    if (!engine.alive) return
    const follows = this.#later === undefined ? [] : [...aheadOfRows(this.#later), ...behindRows(this.#later)]
    const rest = [...follows, ...createIndexes(this.#indexes ?? [])]
    if (rest.length === 0) return
    try {
      await this.#store.run([BEGIN, AS_REPLICA, ...rest, COMMIT])
    } catch (error) {
      await engine.kill('what was loaded could not be completed')
      throw error
    }
  }
}
