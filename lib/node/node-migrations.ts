import { firstWhole } from '../archive/table-places.ts'
import { newestDump } from '../backup/newest-dump.ts'
import type { Log } from '../log/log.ts'
import { type TriedMigration, tryMigration } from '../migrate/plan.ts'
import { upScripts } from '../migrate/way.ts'
import { BorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../replica/image-source.ts'
import { findSnapshot, newestVerified, type Snapshot, snapshots } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import type { BaseImage } from '../store/base-image.ts'
import { schemaChecksumOf } from '../store/migrations.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import type { BorealNode } from './node.ts'

/** A migration, as the build has it. */
export interface MigrationStatus {
  number: number
  name: string
  checksum: string
  /** Whether data has to find something of it. */
  preRestore: boolean
  /** Whether the node's store carries it, with the same checksum. */
  applied: boolean
}

/** What a restore of a snapshot would do. */
export interface SnapshotWay {
  snapshotId: string
  lsn: number
  schemaVersion: number
  restore: 'as it is' | 'up' | 'down' | 'not possible'
  /** What would be run; those of a newer schema are known to the snapshot alone. */
  scripts: string[]
  /** Why it is not possible. */
  why?: string
}

export interface MigrationPlan extends TriedMigration {
  snapshotId: string
  lsn: number
  /** To load the snapshot into a store of its own, ms. */
  loadMs: number
  dump: DumpReadiness
}

/** Whether builds that cannot use the images have a dump to start from. */
export interface DumpReadiness {
  /** The newest one. */
  backupId?: string
  lsn?: number
  /** Where the table begins to have entries whole. */
  wholeFrom: number
  /** What is missing before a migration may be released, in words. */
  missing?: string
}

export interface PlanRequest {
  /** Default: the newest verified snapshot. */
  snapshotId?: string | undefined
  /** The schema to reach, of those that this build knows. Default: the last one. */
  to?: number | undefined
}

const APPLIED = statement(
  `select json_agg(json_build_object('number', number, 'checksum', checksum)) from boreal.schema_migration`,
)

export interface MigrationsContext {
  log: Log
  objects?: ObjectStore | undefined
  /** Default: with the objects. */
  backups?: ObjectStore | undefined
  base: BaseImage
  runtime: Runtime
}

/** The migrations of a node's store, and what they would do to its snapshots. */
export class NodeMigrations {
  readonly #node: Pick<BorealNode, 'read'>
  readonly #context: MigrationsContext
  #planning: string | undefined

  constructor(node: Pick<BorealNode, 'read'>, context: MigrationsContext) {
    this.#node = node
    this.#context = context
  }

  /** The migrations of the build, in order. */
  async status(): Promise<MigrationStatus[]> {
    const { results } = await this.#node.read([APPLIED], { level: 'weak' })
    const applied = jsonOf<{ number: number; checksum: string }[]>(results[0]) ?? []
    const checksums = new Map(applied.map(({ number, checksum }) => [number, checksum]))
    return this.#context.base.migrations.map(({ number, name, checksum, preRestore }) => ({
      ...{ number, name, checksum },
      preRestore: preRestore !== undefined,
      applied: checksums.get(number) === checksum,
    }))
  }

  /** What restoring each snapshot that has a manifest would do, the newest first. */
  async snapshots(limit: number): Promise<SnapshotWay[]> {
    const { objects, log, base } = this.#context
    const ways: SnapshotWay[] = []
    if (objects === undefined) return ways
    for await (const snapshot of snapshots(objects, log.storeId)) {
      if (snapshot.manifest === undefined) continue
      if (ways.push(wayOf(snapshot, base)) >= limit) break
    }
    return ways
  }

  /**
   * Loads a snapshot into a store of its own, in a thread of its own, migrates it, says what came of it and rolls it back.
   *
   * @throws BorealError `migration_failed` as a restore would, `not_found`, `invalid_field`
   */
  async plan(request: PlanRequest): Promise<MigrationPlan> {
    this.#planning = nameOf(request)
    try {
      return await this.#plan(request)
    } finally {
      this.#planning = undefined
    }
  }

  /**
   * Whoever asks for what is being made joins it.
   *
   * @throws BorealError `overloaded` while another plan is being made: each takes a store of its own
   */
  assertFree(request: PlanRequest): void {
    if (this.#planning === undefined || this.#planning === nameOf(request)) return
    throw new BorealError('overloaded', 'another plan is being made; ask again when it is done', { retryAfter: 5 })
  }

  async #plan(request: PlanRequest): Promise<MigrationPlan> {
    const { runtime, base } = this.#context
    const { snapshot, objects } = await this.#find(request.snapshotId)
    const { id, lsn, manifest } = snapshot
    const migrations = base.migrations.slice(0, this.#target(request.to))
    const rules = { schemaVersion: migrations.length, schemaChecksum: schemaChecksumOf(migrations), migrations }
    const why = unusableBecause(manifest!, rules)
    if (why !== undefined) throw new BorealError('migration_failed', `snapshot ${id} cannot be used: ${why}`)
    const startedAt = runtime.monotonic()
    const image = {
      name: `snapshot ${id}`,
      mark: { lsn, hash: manifest!.hash, time: manifest!.entryTime },
      parts: imageParts(objects, manifest!),
      wasm: base.wasm,
    }
    const { engine } = await openStore(await ThreadEngine.boot(image), image)
    try {
      const loadMs = Math.round(runtime.monotonic() - startedAt)
      const { schemaChecksum } = manifest!
      const tried = await tryMigration(engine, migrations, { monotonic: runtime.monotonic, schemaChecksum })
      return { snapshotId: id, lsn, loadMs, ...tried, dump: await this.#dumpReadiness() }
    } finally {
      await engine.kill()
    }
  }

  /** The law of releases: a dump at or above what was trimmed must exist before one with a migration goes out. */
  async #dumpReadiness(): Promise<DumpReadiness> {
    const { log, objects, backups = objects } = this.#context
    const wholeFrom = await firstWhole(log)
    const newest = backups === undefined ? undefined : await newestDump({ log, backups })
    const found = newest === undefined ? { wholeFrom } : { backupId: newest.id, lsn: newest.lsn, wholeFrom }
    if (wholeFrom <= log.startsAt || (newest?.lsn ?? -1) >= wholeFrom - 1) return found
    const what = newest === undefined ? 'there is no dump' : `the newest dump ends at LSN ${newest.lsn}`
    const why = `${what}, and the table has entries only from LSN ${wholeFrom} on`
    return { ...found, missing: `${why}: boreal backup now, before a build with another schema is released` }
  }

  async #find(id: string | undefined): Promise<{ snapshot: Snapshot; objects: ObjectStore }> {
    const { objects, log } = this.#context
    if (objects === undefined) {
      throw new BorealError('not_available', 'this node was opened without an object store, so it has no snapshots')
    }
    const find = id === undefined ? newestVerified(objects, log.storeId) : findSnapshot(objects, log.storeId, id)
    const snapshot = await find
    if (snapshot?.manifest !== undefined) return { snapshot, objects }
    const what = id === undefined ? 'no verified snapshot; boreal snapshot now' : `no snapshot ${id} with a manifest`
    throw new BorealError('not_found', `there is ${what}`)
  }

  #target(to: number | undefined): number {
    const { schemaVersion } = this.#context.base
    if (to === undefined) return schemaVersion
    if (to >= 1 && to <= schemaVersion) return to
    throw new BorealError('invalid_field', `this build knows schemas 1 to ${schemaVersion}, not ${to}`)
  }
}

function nameOf({ snapshotId, to }: PlanRequest): string {
  return JSON.stringify([snapshotId, to])
}

function wayOf({ id, lsn, state, why, manifest }: Snapshot, base: BaseImage): SnapshotWay {
  const { schemaVersion } = manifest!
  const way = { snapshotId: id, lsn, schemaVersion, scripts: [] }
  const reason = state === 'verified' ? unusableBecause(manifest!, base) : (why ?? 'nobody has verified it')
  if (reason !== undefined) return { ...way, restore: 'not possible', why: reason }
  if (schemaVersion === base.schemaVersion) return { ...way, restore: 'as it is' }
  if (schemaVersion > base.schemaVersion) return { ...way, restore: 'down' }
  const scripts = base.migrations.slice(schemaVersion).flatMap(upScripts)
  return { ...way, restore: 'up', scripts: scripts.map(({ name }) => name) }
}
