import type { HorizonRow } from '../store/adopt.ts'
import { digestOfTables, digestsAt } from '../store/digest.ts'
import { horizonRowStatement } from '../store/idempotency.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'

/** What a store holds, to compare it with another one. */
export interface Contents {
  digest: string
  rows: Record<string, number>
}

/** Contents in detail: enough to say what they are when the idempotency keys are forgotten. */
export interface FullContents extends Contents {
  /** Hash by table; the digest is made of them. */
  tables: Record<string, string>
  horizon: HorizonRow
}

/** Reads every row; of a store of this build's schema, unless another one is named. */
export async function contentsOf(store: Pick<Store, 'run'>, schemaVersion?: number): Promise<FullContents> {
  const { tableHashes, rowCounts } = digestsAt(schemaVersion)
  const [hashes, rows, horizon] = await store.run([tableHashes, rowCounts, horizonRowStatement])
  const tables = jsonOf<Record<string, string>>(hashes)!
  return { digest: digestOfTables(tables), rows: jsonOf(rows)!, tables, horizon: jsonOf(horizon)! }
}

/** What differs between two stores that should be equal, in words; undefined when nothing does. */
export function difference(expected: Contents, found: Contents): string | undefined {
  const names = new Set([...Object.keys(expected.rows), ...Object.keys(found.rows)])
  const tables = [...names].filter((name) => expected.rows[name] !== found.rows[name])
  if (tables.length > 0) {
    const texts = tables.map(
      (name) => `${name} has ${found.rows[name] ?? 0} rows instead of ${expected.rows[name] ?? 0}`,
    )
    return texts.join(', ')
  }
  return expected.digest === found.digest ? undefined : `the digest is ${found.digest} instead of ${expected.digest}`
}

/** Version of the Postgres in a store. */
export async function postgresVersion(store: Store): Promise<string> {
  const [version] = await store.run([statement(`select to_json(current_setting('server_version'))`)])
  return jsonOf<string>(version)!
}
