import { computeDifference } from '../difference/difference.ts'
import { once } from '../difference/kept-operation.ts'
import { type MoveContext, type MoveOutcome, moveStore } from '../difference/move.ts'
import { type DifferingItem, differencePage } from '../difference/pages.ts'
import type { DifferenceSummary } from '../difference/summary.ts'
import { hashOfText } from '../model/canonical.ts'
import { BorealError } from '../model/errors.ts'
import { hashOfKey, timeOfKey } from '../model/idempotency-key.ts'
import type { Operation } from '../model/operations.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type FoundRecovery, findRecovery, replaceRecovery } from '../recovery/catalog.ts'
import type { Recovery } from '../recovery/descriptor.ts'
import { variantOf, withEdit } from '../recovery/edits.ts'
import type { PastStore } from '../recovery/past-stores.ts'
import { textOfPoint } from '../recovery/point.ts'
import { tableOf } from '../store/apply-event.ts'
import type { NodePast } from './node-past.ts'

export interface RecoveryChangesOptions {
  move: MoveContext
  past: NodePast
  objects: ObjectStore
}

/** What differs, at the LSN at which the live store was compared. */
export interface RecoveryDifference {
  lsn: number
  difference: DifferenceSummary
}

/** What can be done with a recovery besides reading it: compare it with the live store, edit it, make the store like it. */
export class RecoveryChanges {
  readonly #options: RecoveryChangesOptions

  constructor(options: RecoveryChangesOptions) {
    this.#options = options
  }

  /** How it differs from the live store, by entity. */
  async difference(id: string): Promise<RecoveryDifference> {
    const { move } = this.#options
    return this.#with(await this.#find(id), async (target) => {
      const lsn = await move.confirm()
      const { summary } = await computeDifference({ log: move.log, target }, move.liveAt(lsn), lsn)
      return { lsn, difference: summary }
    })
  }

  /** The rows of one entity that differ, in pages. */
  async rows(
    id: string,
    entity: string,
    page: { after?: string | undefined; limit: number },
  ): Promise<{ lsn: number; items: DifferingItem[]; next?: string }> {
    const { move } = this.#options
    return this.#with(await this.#find(id), async (target) => {
      const lsn = await move.confirm()
      return { lsn, ...(await differencePage(tableOf(entity), move.liveAt(lsn), target, page)) }
    })
  }

  /**
   * Changes what the recovery has, and nothing else, by operations that are decided on it.
   *
   * @throws BorealError with the reason of a refusal, and `precondition_failed` when somebody else has just edited it
   */
  async edit(id: string, operations: Operation[], principal: string): Promise<Recovery> {
    const { objects, move } = this.#options
    const found = await this.#find(id)
    checkStaged(found.recovery)
    const edit = { operations, at: Math.round(move.log.now()), by: principal }
    const edited = { ...found.recovery, edits: withEdit(found.recovery, edit) }
    // Decided before it is kept: what cannot be opened is refused.
    await this.#with({ ...found, recovery: edited }, async () => undefined)
    return (await replaceRecovery(objects, found, { edits: edited.edits })).recovery
  }

  /**
   * Makes the live store like the recovery, by one entry with the difference: once under a key.
   *
   * @throws BorealError `confirmation_required`, `precondition_failed` when it was committed before
   */
  async commit(
    id: string,
    {
      principal,
      key,
      confirm,
      reason,
    }: { principal: string; key: string; confirm: string; reason?: string | undefined },
  ): Promise<MoveOutcome> {
    const { objects, move } = this.#options
    const found = await this.#find(id)
    const { point, edits } = found.recovery
    const request = hashOfText(JSON.stringify({ recovery: id, edits }))
    const submitted = { text: key, hash: hashOfKey(principal, key), timeMs: timeOfKey(key), request }
    const what = `commit of recovery ${id} (LSN ${textOfPoint(point)}${edits.length > 0 ? ', edited' : ''})`
    const run = async () => {
      checkStaged(found.recovery)
      return this.#with(found, (target) =>
        moveStore(move, {
          ...{ target, principal, key: submitted, confirm },
          reason: reason === undefined ? what : `${what}: ${reason}`,
        }),
      )
    }
    const context = { objects, storeId: move.log.storeId, now: () => move.log.now() }
    const outcome = await once(context, { kind: 'recovery commit', key: submitted }, async () => point, run)
    if (found.recovery.state === 'staged') await this.#committed(found, outcome.lsn, principal)
    return outcome
  }

  /** It is done: what the descriptor says is for people, and may be behind after a crash. */
  async #committed(found: FoundRecovery, lsn: number, by: string): Promise<void> {
    const { objects, move } = this.#options
    const committed = { lsn, at: Math.round(move.log.now()), by }
    await replaceRecovery(objects, found, { state: 'committed', committed }).catch(() => undefined)
  }

  #find(id: string): Promise<FoundRecovery> {
    const { objects, move } = this.#options
    return findRecovery(objects, move.log.storeId, id)
  }

  async #with<T>({ recovery }: FoundRecovery, work: (store: PastStore) => Promise<T>): Promise<T> {
    const variant = variantOf(recovery)
    const store = await this.#options.past.stores.open(recovery.point, variant === undefined ? {} : { variant })
    try {
      return await work(store)
    } finally {
      store.close()
    }
  }
}

function checkStaged({ recoveryId, state, committed }: Recovery): void {
  if (state === 'staged') return
  const where = committed === undefined ? '' : ` at LSN ${committed.lsn}`
  throw new BorealError('precondition_failed', `recovery ${recoveryId} was committed${where}; stage it again to go on`)
}
