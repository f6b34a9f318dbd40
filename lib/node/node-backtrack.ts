import { computeDifference } from '../difference/difference.ts'
import { once } from '../difference/kept-operation.ts'
import { type MoveContext, type MoveOutcome, moveStore } from '../difference/move.ts'
import type { DifferenceSummary } from '../difference/summary.ts'
import { keysOfEntry, type TouchedKeys } from '../difference/touched.ts'
import { hashOfText } from '../model/canonical.ts'
import { BorealError } from '../model/errors.ts'
import { hashOfKey, timeOfKey } from '../model/idempotency-key.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { PastStore } from '../recovery/past-stores.ts'
import { type Point, type PointTarget, textOfPoint } from '../recovery/point.ts'
import { quietly } from '../store/store.ts'
import type { SubmittedKey } from '../writer/submission.ts'
import type { NodePast } from './node-past.ts'

/** Where to: a point of the past, or what was before one entry, of the rows that it has written. */
export type BacktrackTarget = PointTarget | { undo: number }

export interface BacktrackRequest {
  target: BacktrackTarget
  principal: string
  key: string
  reason?: string | undefined
  confirm?: string | undefined
}

export interface BacktrackPreview {
  /** The state that the store would have. */
  point: Point
  /** The LSN at which the live store was compared. */
  lsn: number
  difference: DifferenceSummary
}

export type BacktrackOutcome = MoveOutcome & { point: Point }

export interface NodeBacktrackOptions {
  move: MoveContext
  past: NodePast
  objects: ObjectStore | undefined
}

/** Takes the live store back to what it was, by an entry with the difference. */
export class NodeBacktrack {
  readonly #options: NodeBacktrackOptions

  constructor(options: NodeBacktrackOptions) {
    this.#options = options
  }

  /** What a backtrack would change, now. */
  async preview(target: BacktrackTarget): Promise<BacktrackPreview> {
    const point = await this.#pointOf(target)
    const { move } = this.#options
    return this.#at(point, async (store) => {
      const lsn = await move.confirm()
      const difference = { log: move.log, target: store, only: await this.#only(target) }
      const { summary } = await computeDifference(difference, move.liveAt(lsn), lsn)
      return { point, lsn, difference: summary }
    })
  }

  /**
   * Appends the difference: once under a key, however often it is asked for, and to the point that the target meant at
   * first.
   *
   * @throws BorealError `confirmation_required`; those of a point (see resolvePoint) and of moveStore
   */
  async run(request: BacktrackRequest): Promise<BacktrackOutcome> {
    const { objects, move } = this.#options
    const key = submittedKey(request)
    if (objects === undefined) return this.#run(request, await this.#pointOf(request.target), key)
    return once(
      { objects, storeId: move.log.storeId, now: () => move.log.now() },
      { kind: 'backtrack', key },
      () => this.#pointOf(request.target),
      (point) => this.#run(request, point, key),
    )
  }

  async #run(request: BacktrackRequest, point: Point, key: SubmittedKey): Promise<BacktrackOutcome> {
    const { target, principal, confirm, reason } = request
    const what = 'undo' in target ? `undo of LSN ${target.undo}` : `backtrack to LSN ${textOfPoint(point)}`
    // Read while the store of the point opens.
    const only = quietly(this.#only(target))
    return this.#at(point, async (store) => {
      const outcome = await moveStore(this.#options.move, {
        ...{ target: store, only: await only, principal, key, confirm },
        reason: reason === undefined ? what : `${what}: ${reason}`,
      })
      return { ...outcome, point }
    })
  }

  async #pointOf(target: BacktrackTarget): Promise<Point> {
    if (!('undo' in target)) return this.#options.past.resolve(target)
    if (target.undo < 1) throw new BorealError('invalid_field', 'there is nothing at LSN 0 that could be undone')
    await this.#options.past.resolve({ lsn: target.undo })
    return this.#options.past.resolve({ lsn: target.undo - 1 })
  }

  async #only(target: BacktrackTarget): Promise<TouchedKeys | undefined> {
    return 'undo' in target ? keysOfEntry(this.#options.move.log, target.undo) : undefined
  }

  async #at<T>(point: Point, work: (store: PastStore) => Promise<T>): Promise<T> {
    const store = await this.#options.past.stores.open(point)
    try {
      return await work(store)
    } finally {
      store.close()
    }
  }
}

/** What the confirmation is, is no part of what is asked for. */
function submittedKey({ target, principal, key }: BacktrackRequest): SubmittedKey {
  const request = hashOfText(JSON.stringify({ backtrack: target }))
  return { text: key, hash: hashOfKey(principal, key), timeMs: timeOfKey(key), request }
}
