import type { LogMark } from '../log/chain.ts'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Entry } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { stateIsLost } from '../log/quarantine.ts'
import { BorealError } from '../model/errors.ts'
import type { ImageSource } from '../replica/image-source.ts'
import { oldestRestorable } from './oldest.ts'
import { type Point, type PointTarget, textOfPoint } from './point.ts'

export interface ResolveContext {
  log: Log
  images: ImageSource
  /** Where the log begins; undefined when that was trimmed. */
  genesis(): Promise<LogMark | undefined>
  /** The end of the log as far as it is known without asking. */
  tailLsn(): number
  /** The end of the log at some moment after the call. */
  confirm(): Promise<number>
  /** The last LSN that a backup or a snapshot has; undefined when there is none with this id. */
  lsnOfBackup(id: string): Promise<number | undefined>
}

/**
 * The place of the log that a target means, at this moment: what is relative or a time is fixed with it.
 *
 * @throws BorealError `invalid_field` for what is not in the log yet, `out_of_retention` for what is before it begins,
 *   `not_found` for a backup that there is not
 */
export async function resolvePoint(context: ResolveContext, target: PointTarget): Promise<Point> {
  if ('lsn' in target) return checkedPlace(context, target)
  if ('backupId' in target) {
    const lsn = await context.lsnOfBackup(target.backupId)
    if (lsn !== undefined) return checkedPlace(context, { lsn })
    throw new BorealError('not_found', `there is no backup or snapshot ${target.backupId}`)
  }
  // One clock for both: entries have the server's time, too.
  const now = context.log.now()
  const time = 'time' in target ? target.time : now - target.agoMs
  if (time > now) throw refusal(`${textOfTime(time)} is in the future: it is ${textOfTime(now)} by the log's clock`)
  const lsn = await lastAt(context, time)
  await refuseLost(context.log, lsn)
  return { lsn }
}

async function checkedPlace(context: ResolveContext, { lsn, index }: Point): Promise<Point> {
  const { log, tailLsn, confirm } = context
  if (lsn > tailLsn()) {
    const end = await confirm()
    if (lsn > end) throw refusal(`LSN ${lsn} is not in the log, which ends at ${end}`)
  }
  const genesis = await context.genesis()
  if (genesis !== undefined && lsn < genesis.lsn) {
    throw outOfRetention(`LSN ${lsn} is before this store began, at LSN ${genesis.lsn}; ask the store it was made of`)
  }
  await refuseLost(log, lsn)
  if (index === undefined) return { lsn }
  const count = lsn === genesis?.lsn ? 0 : await transactionsOf(log, lsn)
  if (index >= count) {
    const has = count === 0 ? 'no transactions' : count === 1 ? 'one transaction, 0' : `transactions 0 to ${count - 1}`
    throw refusal(`${textOfPoint({ lsn, index })} is no place of the log: entry ${lsn} has ${has}`)
  }
  // The state behind the last one is the state behind the entry.
  return index === count - 1 ? { lsn } : { lsn, index }
}

/** @throws BorealError `out_of_retention` for a state that was lost with an entry */
async function refuseLost(log: Log, lsn: number): Promise<void> {
  const record = await log.lostAt(lsn)
  if (record !== undefined) throw stateIsLost(record, lsn)
}

async function transactionsOf(log: Log, lsn: number): Promise<number> {
  const entry = await readEntry(log, lsn)
  if (entry !== undefined) return entry.transactions.length
  throw outOfRetention(
    `log entry ${lsn} was trimmed, so its transactions cannot be told apart; ask for LSN ${lsn} itself`,
  )
}

/** The last entry with a time at or before `time`, by halving. */
async function lastAt(context: ResolveContext, time: number): Promise<number> {
  const { log, images, confirm } = context
  const genesis = await context.genesis()
  if (genesis !== undefined && time < genesis.time) {
    const began = `${textOfTime(genesis.time)} (LSN ${genesis.lsn})`
    throw outOfRetention(`${textOfTime(time)} is before this store began, at ${began}`)
  }
  let [low, high] = [genesis?.lsn ?? 0, (await confirm()) + 1]
  let isKnown = genesis !== undefined
  // Invariant: the entry at `low` is not after the time, unless nobody can read it; the one at `high` is.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const entry = await readEntry(log, middle)
    if (entry === undefined || entry.time <= time) {
      low = middle
      isKnown = entry !== undefined
    } else high = middle
  }
  if (isKnown || (await isImageAt(images, low, time))) return low
  const oldest = await oldestRestorable(log, images).catch(() => undefined)
  const instead = oldest === undefined ? '' : `; the oldest state that can be had is that at LSN ${oldest}`
  throw outOfRetention(`${textOfTime(time)} is before what is kept of the log${instead}`)
}

/** An entry below the end of the log; undefined when it was trimmed. */
async function readEntry(log: Log, lsn: number): Promise<Entry | undefined> {
  try {
    return await log.entry(lsn)
  } catch (error) {
    if (error instanceof LogTrimmed) return undefined
    throw error
  }
}

/** Whether there is an image of just this place, which knows the time of the entry that the log has no more. */
async function isImageAt(images: ImageSource, lsn: number, time: number): Promise<boolean> {
  for await (const { mark } of images.images(lsn)) return mark.lsn === lsn && mark.time <= time
  return false
}

function textOfTime(ms: number): string {
  return new Date(ms).toISOString()
}

function refusal(message: string): BorealError {
  return new BorealError('invalid_field', message)
}

function outOfRetention(message: string): BorealError {
  return new BorealError('out_of_retention', message)
}
