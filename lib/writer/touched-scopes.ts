import { getOrInsert } from '../model/get-or-insert.ts'
import type { Table } from '../store/table.ts'

/** The scope of all rows of an entity. */
export const WHOLE_ENTITY = ''

/**
 * Scopes that rows which changed in a batch are in, or have been in. Kept as they change, so that asking costs the same
 * whatever has changed.
 */
export class TouchedScopes {
  readonly #scopes = new Map<Table, Set<string>>()

  /** Adds those of a row as it was and as it is. */
  add(table: Table, ...states: (object | undefined)[]): void {
    const scopes = getOrInsert(this.#scopes, table, () => new Set([WHOLE_ENTITY]))
    for (const row of states) if (row !== undefined) for (const scope of table.scopes(row)) scopes.add(scope)
  }

  addAll(other: TouchedScopes): void {
    for (const [table, scopes] of other.#scopes) {
      const all = getOrInsert(this.#scopes, table, () => new Set<string>())
      for (const scope of scopes) all.add(scope)
    }
  }

  has(table: Table, scope: string): boolean {
    return this.#scopes.get(table)?.has(scope) ?? false
  }
}
