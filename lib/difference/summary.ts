import { createHash, type Hash } from 'node:crypto'
import type { RowEntity } from '../model/events.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import type { ComparedRow } from '../store/compared-rows.ts'
import { taskConfigsTable } from '../store/task-configs-table.ts'
import { compareKeys, type Differing } from './compare.ts'
import { entityOf } from './row-changes.ts'

export type ChangeKind = 'added' | 'changed' | 'removed'

export interface EntitySummary {
  entity: RowEntity
  /** Rows that the target has and the live store has not; both have, but not the same; only the live store has. */
  added: number
  changed: number
  removed: number
  /** Keys of a few of them. */
  examples: Partial<Record<ChangeKind, string[]>>
}

export interface DifferenceSummary {
  /** Only those that differ. */
  entities: EntitySummary[]
  rows: number
  /** Over all that differs, and how: two differences of the same digest are the same. */
  digest: string
}

const EXAMPLES = 5

/** Counts what differs. Configs are left out: they come and go with what refers to them. */
export class Summary {
  readonly #entities = new Map<RowEntity, EntitySummary>()
  readonly #hash: Hash = createHash('sha256')
  /** Rows that the store will have more than before. */
  growth = 0

  add(differing: Differing): void {
    const { table } = differing
    this.growth += differing.added.length - differing.removed.length
    if (table === taskConfigsTable) return
    const entity = entityOf(table)
    const none = (): EntitySummary => ({ entity, added: 0, changed: 0, removed: 0, examples: {} })
    const counts = getOrInsert(this.#entities, entity, none)
    for (const kind of ['added', 'changed', 'removed'] as const) {
      const rows = differing[kind]
      if (rows.length === 0) continue
      counts[kind] += rows.length
      counts.examples[kind] ??= []
      const examples = counts.examples[kind]
      for (const { key } of rows.slice(0, EXAMPLES - examples.length)) examples.push(key)
    }
    const rows = inOrder(differing)
    const written = rows.filter(({ kind }) => kind !== 'removed').map(({ row }) => row.wire)
    // Their lengths are ahead of them, so what is hashed can be read in one way only. In two pieces: one for each row takes longer.
    const lines = rows.map(({ kind, row: { key, wire } }) => [kind, key, kind === 'removed' ? 0 : wire.length])
    this.#hash.update(`${JSON.stringify([entity, lines])}\n`)
    this.#hash.update(Buffer.concat(written))
  }

  end(): DifferenceSummary {
    const entities = [...this.#entities.values()]
    const rows = entities.reduce((sum, { added, changed, removed }) => sum + added + changed + removed, 0)
    return { entities, rows, digest: this.#hash.digest('hex') }
  }
}

export interface DifferingRow {
  kind: ChangeKind
  row: ComparedRow
}

/** What differs, in the order of the keys. */
export function inOrder({ table, ...differing }: Differing): DifferingRow[] {
  const rows = (['added', 'changed', 'removed'] as const).flatMap((kind) =>
    differing[kind].map((row) => ({ kind, row })),
  )
  return rows.sort((a, b) => compareKeys(table, a.row.key, b.row.key))
}
