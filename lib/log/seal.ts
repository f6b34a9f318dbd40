import { hash } from 'node:crypto'
import { BorealError, messageOf } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import { type LogMark, markOf } from './chain.ts'
import { type EntryIds, hashOfItem } from './entry-codec.ts'
import { type EventLog, LOG_FORMAT, type LogItem } from './event-log.ts'

/** Why a log has ended. */
export type SealReason =
  /** The store was deleted. */
  | 'deleted'
  /** Another store has taken its name. */
  | 'replaced'

const WHAT_NOW: Record<SealReason, string> = {
  deleted: 'it was deleted',
  replaced: 'another one has taken its name. Start the node again, and read the state anew',
}

/** The log has ended for good: its last slot holds a seal. */
export class StoreSealed extends BorealError {
  /** The slot of the seal. */
  readonly lsn: number

  constructor(item: LogItem) {
    super('store_changed', `store ${item.storeId} takes no more transactions: ${WHAT_NOW[reasonOf(item)]}`)
    this.name = 'StoreSealed'
    this.lsn = item.lsn
  }
}

export function isSeal({ codec }: LogItem): boolean {
  return codec === 'seal'
}

/** What is in a seal is for people; that it is there is what counts. */
function reasonOf({ body }: LogItem): SealReason {
  try {
    const { because } = JSON.parse(Buffer.from(body ?? []).toString('utf8'))
    return because === 'deleted' ? because : 'replaced'
  } catch {
    return 'replaced'
  }
}

/**
 * The item that ends a log. It takes the slot that the next entry would have, by the same race, and nobody applies it: so
 * no store ever stands behind it, and who does not stand there cannot append there.
 */
export function sealItem(mark: LogMark, time: number, because: SealReason, ids: EntryIds): LogItem {
  const body = Buffer.from(JSON.stringify({ because }))
  const item: LogItem = {
    ...ids,
    lsn: mark.lsn + 1,
    format: LOG_FORMAT,
    time: Math.max(time, mark.time),
    prev: mark.hash,
    hash: '',
    codec: 'seal',
    transactions: 0,
    bodyHash: hash('sha256', body),
    bodyBytes: body.byteLength,
    body,
  }
  return { ...item, hash: hashOfItem(item) }
}

const FIRST_PAUSE_MS = 50
const TRIES = 10

/**
 * Ends a log: appends a seal behind whatever is its last entry by then. May be repeated.
 *
 * @param from a slot that is known to be taken, from which the end is looked for
 * @returns the place of the last entry; undefined when there is no log
 * @throws BorealError `log_unavailable` when it is not known whether the log has ended: to be repeated
 */
export async function sealLog(
  log: EventLog,
  { storeId, from, because, runtime }: { storeId: string; from: number; because: SealReason; runtime: Runtime },
): Promise<LogMark | undefined> {
  const writer = runtime.newId()
  let last: LogItem | undefined
  let failure: unknown
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await runtime.sleep(FIRST_PAUSE_MS * 2 ** Math.min(tries, 5))
    try {
      last ??= await log.get(from)
      if (last === undefined) return undefined
      for (;;) {
        for (let next = await log.get(last.lsn + 1); next !== undefined; next = await log.get(last.lsn + 1)) {
          if (isSeal(next)) return markOf(last)
          last = next
        }
        const ids = { storeId, writer, attempt: runtime.newId() }
        const outcome = await log.put(sealItem(markOf(last), log.serverClock.now(), because, ids))
        if (outcome.kind === 'written') return markOf(last)
        // Somebody was ahead: a transaction more, or a seal.
        if (outcome.kind === 'taken') continue
        failure = outcome.error
        break
      }
    } catch (error) {
      failure = error
    }
  }
  throw new BorealError('log_unavailable', `the log of store ${storeId} could not be ended: ${messageOf(failure)}`, {
    cause: failure,
  })
}
