import { type CloneContext, type CloneRequest, createClone } from '../clone/create.ts'
import { type DeletedClone, deleteClone } from '../clone/delete.ts'
import { SWEEP_SETTINGS, type SweepSettings, sweepStores } from '../clone/sweep.ts'
import type { Registration } from '../log/registration.ts'
import type { BorealNode, NodeOptions } from './node.ts'
import { periodically } from './periodically.ts'

/** The stores of a node's table: what there is, clones of the node's own store, and their end. */
export class NodeClones {
  readonly #context: CloneContext
  readonly #settings: SweepSettings

  constructor(
    context: CloneContext,
    {
      settings,
      intervalMs,
      onDuty,
      signal,
    }: { settings: SweepSettings; intervalMs: number; onDuty(): boolean; signal: AbortSignal },
  ) {
    this.#context = context
    this.#settings = settings
    const { runtime, logger } = context
    const failure = 'stores could not be swept'
    void periodically({ runtime, logger, signal, onDuty, intervalMs, failure }, () => this.sweep())
  }

  /** Every store that the table knows, by name; those that no name means have `name@storeId`. */
  stores(): Promise<Registration[]> {
    return this.#context.stores.list()
  }

  /** The clones among them, of whatever parent. */
  async list(): Promise<Registration[]> {
    return (await this.stores()).filter(({ origin, name }) => origin?.kind === 'clone' && !name.includes('@'))
  }

  /** See `createClone`. */
  create(request: CloneRequest): Promise<Registration> {
    return createClone(this.#context, request)
  }

  /** See `deleteClone`. */
  delete(name: string, options: { dryRun?: boolean }): Promise<DeletedClone> {
    return deleteClone(this.#context, name, options)
  }

  /** Deletes what is left of stores that were deleted, now instead of at the next round. */
  sweep(): Promise<string[]> {
    return sweepStores(this.#context, this.#settings)
  }
}

/** The clones of a node's store; undefined when it has no table to make them in, or no object store. */
export function clonesOf(node: BorealNode, options: NodeOptions, signal: AbortSignal): NodeClones | undefined {
  const { log, objects, stores, image: base, runtime, logger } = options
  if (objects === undefined || stores === undefined) return undefined
  const takeSnapshot: CloneContext['takeSnapshot'] = (upTo) =>
    upTo === undefined ? node.snapshots.take() : node.snapshots.takeAt(upTo)
  return new NodeClones(
    { stores, objects, log, base, runtime, logger, takeSnapshot },
    { settings: SWEEP_SETTINGS, intervalMs: options.sweepMs ?? 0, onDuty: () => node.onDuty, signal },
  )
}
