import { getOrInsert } from '../model/get-or-insert.ts'
import type { Entity } from '../model/preconditions.ts'

/** What a closure's own buffered writes say about a record. */
export type OwnState =
  /** They do not touch it. */
  | { kind: 'untouched' }
  /** It was saved whole: this is what it is. */
  | { kind: 'saved'; record: object }
  | { kind: 'removed' }
  /** What it is depends on what the store holds. */
  | { kind: 'unknown' }

interface Writes {
  records: Map<string, OwnState>
  /** What holds for every other key. */
  others: OwnState
  /** Goes up with every write that may concern a key. */
  revisions: Map<string, number>
  revision: number
}

const UNTOUCHED: OwnState = { kind: 'untouched' }
const UNKNOWN: OwnState = { kind: 'unknown' }

/** The records that a closure has saved or removed by key: these it can read again without asking. */
export class OwnWrites {
  readonly #writes = new Map<Entity, Writes>()

  state(entity: Entity, key: string): OwnState {
    const writes = this.#writes.get(entity)
    return writes?.records.get(key) ?? writes?.others ?? UNTOUCHED
  }

  /** Changes when the state of the key may have. */
  revision(entity: Entity, key: string): string {
    const writes = this.#writes.get(entity)
    return `${writes?.revision ?? 0}/${writes?.revisions.get(key) ?? 0}`
  }

  saved(entity: Entity, key: string, record: object): void {
    this.#set(entity, key, { kind: 'saved', record })
  }

  removed(entity: Entity, key: string): void {
    this.#set(entity, key, { kind: 'removed' })
  }

  /** Something was written to these records (all, when none are named) that depends on what is there. */
  doubt(entity: Entity, keys?: readonly string[]): void {
    if (keys !== undefined) {
      for (const key of keys) this.#set(entity, key, UNKNOWN)
      return
    }
    const writes = this.#of(entity)
    writes.records.clear()
    writes.others = UNKNOWN
    writes.revision++
  }

  #set(entity: Entity, key: string, state: OwnState): void {
    const { records, revisions } = this.#of(entity)
    records.set(key, state)
    revisions.set(key, (revisions.get(key) ?? 0) + 1)
  }

  #of(entity: Entity): Writes {
    return getOrInsert(this.#writes, entity, (): Writes => {
      return { records: new Map(), others: UNTOUCHED, revisions: new Map(), revision: 0 }
    })
  }
}
