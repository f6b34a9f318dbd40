import { getOrInsert } from '../model/get-or-insert.ts'
import type { Entity, Precondition, Scope } from '../model/preconditions.ts'
import { MAX_PRECONDITIONS } from '../model/transaction.ts'

/** What a read has looked at, when that is more than one record: everything of an entity within a scope. */
export interface Cover {
  entity: Entity
  scope: Scope
}

/** A record that was read, or found absent. */
export interface Point {
  entity: Entity
  key: string
  /** Version of the record; undefined when there was none. */
  version: number | undefined
  /** A scope that the record is in: what stands for it when there are too many points. */
  within?: Scope | undefined
}

/** Points of one entity before they are replaced by scopes, and scopes of one entity before they are by everything. */
const MAX_POINTS = 200
const MAX_SCOPES = 100

/**
 * What a closure has read so far, as the preconditions under which it would read the same again. Everything in it holds
 * at `lsn`: whoever adds has checked the rest there. So scopes move up with it, and points may be replaced by a scope.
 */
export class ReadSet {
  #lsn: number | undefined
  readonly #points = new Map<Entity, Map<string, Point>>()
  readonly #scopes = new Map<Entity, Map<string, Scope>>()

  /** The last place of the log at which everything held; undefined before anything was read. */
  get lsn(): number | undefined {
    return this.#lsn
  }

  /** Adds what was read at an LSN at which all that is in here was checked. */
  add(lsn: number, points: readonly Point[], covers: readonly Cover[]): void {
    this.#lsn = lsn
    for (const { entity, scope } of covers) this.#cover(entity, scope)
    for (const point of points) {
      if (this.#scopes.get(point.entity)?.has('{}')) continue
      getOrInsert(this.#points, point.entity, () => new Map<string, Point>()).set(point.key, point)
    }
    for (const [entity, those] of this.#points) if (those.size > MAX_POINTS) this.#coarsen(entity)
    while (this.#size > MAX_PRECONDITIONS) this.#cover(this.#largest(), {})
  }

  preconditions(): Precondition[] {
    const points = [...this.#points.values()].flatMap((those) => [...those.values()].map(preconditionOf))
    const scopes = [...this.#scopes].flatMap(([entity, those]) =>
      [...those.values()].map((scope) => ({ entity, scope, unchangedSince: this.#lsn! })),
    )
    return [...points, ...scopes]
  }

  /** A scope over everything makes all else of the entity superfluous. */
  #cover(entity: Entity, scope: Scope): void {
    const scopes = getOrInsert(this.#scopes, entity, () => new Map<string, Scope>())
    if (scopes.has('{}')) return
    if (Object.keys(scope).length > 0 && scopes.size < MAX_SCOPES) {
      scopes.set(JSON.stringify(scope), scope)
      return
    }
    scopes.clear()
    scopes.set('{}', {})
    this.#points.delete(entity)
  }

  /** Replaces points by the scopes that they are in; one that is in none needs them all. */
  #coarsen(entity: Entity): void {
    const points = [...this.#points.get(entity)!.values()]
    this.#points.delete(entity)
    for (const { within } of points) this.#cover(entity, within ?? {})
  }

  get #size(): number {
    return [...this.#points.values(), ...this.#scopes.values()].reduce((sum, those) => sum + those.size, 0)
  }

  #largest(): Entity {
    const size = (entity: Entity) => (this.#points.get(entity)?.size ?? 0) + (this.#scopes.get(entity)?.size ?? 0)
    const entities = [...new Set([...this.#points.keys(), ...this.#scopes.keys()])]
    return entities.reduce((left, right) => (size(right) > size(left) ? right : left))
  }
}

function preconditionOf({ entity, key, version }: Point): Precondition {
  return version === undefined ? { entity, key, absent: true } : { entity, key, version }
}
