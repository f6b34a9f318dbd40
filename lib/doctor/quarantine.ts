import { type LogMark, markOf, verifyItem } from '../log/chain.ts'
import type { Log } from '../log/log.ts'
import { encodeQuarantine, type QuarantineRecord } from '../log/quarantine.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Snapshot } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
import type { Known, Source } from './context.ts'
import { isKnownToLog, learn, newestUsable } from './known.ts'
import { chainHash, type Surroundings, surroundings } from './neighbours.ts'
import { type Copies, type Mending, whyNotTheOne } from './repair.ts'

const HASH = /^[0-9a-f]{64}$/

export interface QuarantineRequest {
  lsn: number
  to: number
  reason: string
  by: string
}

export interface QuarantinePlan extends Omit<QuarantineRecord, 'hash' | 'at'> {
  /** Absent when it is the end of the log: then an empty entry is appended behind it first, and says it. */
  hash: string | undefined
  /** What to put behind it: only at the end of the log. */
  mark: LogMark | undefined
  known: Known
}

/**
 * Looks whether slots may be stepped over: all of them are bad, what is beside them is intact, and there is nothing
 * better to do.
 *
 * @throws BorealError `precondition_failed` that says what to do instead
 */
export async function planQuarantine(
  source: Source,
  request: QuarantineRequest,
  copies: readonly Copies[],
): Promise<QuarantinePlan> {
  const { lsn, to } = request
  const { known, findings } = await learn(source)
  if (findings.length > 0) throw refusal(`${findings[0]!.what}: ${findings[0]!.next}`)
  if (lsn < 1) throw refusal('the first entry of a log says which store it is, and cannot be stepped over')
  const earlier = known.quarantined.find((each) => each.lsn <= to && lsn <= each.to)
  if (earlier !== undefined) throw refusal(`log entry ${earlier.lsn} is quarantined already, for: ${earlier.reason}`)
  await refuseIfRestartable(source, known, request)
  const around: Surroundings[] = []
  for (let each = lsn; each <= to; each++) {
    const found = await surroundings(source, each)
    if (found.failure === undefined)
      throw refusal(found.slot === undefined ? `the log ends before ${each}` : `log entry ${each} is intact`)
    await refuseIfRepairable(source, found, each, copies)
    around.push(found)
  }
  const [first, last] = [around[0]!, around.at(-1)!]
  const isReached = first.before !== undefined || known.quarantined.some((each) => each.to === lsn - 1)
  if (!isReached && (await restartPoint(source, known, (each) => each === lsn - 1)) === undefined) {
    throw refusal(`log entry ${lsn - 1} is bad, too: quarantine ${lsn - 1}..${to}`)
  }
  if (last.after === undefined && !last.isLast)
    throw refusal(`log entry ${to + 1} is bad, too: quarantine ${lsn}..${to + 1}`)
  return {
    ...request,
    ...{ known, failure: first.failure!, transactions: lostIn(around) },
    ...(last.isLast ? { hash: undefined, mark: markAt(last, request) } : { hash: chainHash(last)!, mark: undefined }),
  }
}

/** How many transactions go, if the attributes of every slot can be believed. */
function lostIn(around: Surroundings[]): number | null {
  let lost = 0
  for (const { slot, health } of around) {
    const isLegible = health?.state === 'intact' || (health?.state === 'damaged' && health.attributesIntact)
    if (slot === undefined || !isLegible) return null
    lost += slot.item.transactions
  }
  return lost
}

/** Where the end of the log stands, as far as its last item still says. */
function markAt({ slot, before }: Surroundings, { to }: QuarantineRequest): LogMark {
  const { hash } = slot!.item
  return { lsn: to, hash: HASH.test(hash) ? hash : '0'.repeat(64), time: before?.time ?? 0 }
}

/** Stores start above it: then nothing has to be stepped over, and a replay that did would give another state. */
async function refuseIfRestartable(source: Source, known: Known, { lsn, to }: QuarantineRequest): Promise<void> {
  const snapshot = await restartPoint(source, known, (each) => each >= lsn)
  if (snapshot === undefined) return
  const rest = snapshot.lsn < to ? ` Quarantine only what is above it: ${snapshot.lsn + 1}..${to}.` : ''
  const from = `stores of ${source.place} start from the verified snapshot ${snapshot.id} (LSN ${snapshot.lsn})`
  throw refusal(`${from} and do not read log entry ${lsn}.${rest}`)
}

/** A snapshot that stores really start from: verified, with a whole image, known to the log. */
async function restartPoint(
  { log, objects }: Source,
  known: Known,
  isThere: (lsn: number) => boolean,
): Promise<Snapshot | undefined> {
  for (const snapshot of known.snapshots.filter(({ lsn }) => isThere(lsn))) {
    if (newestUsable({ ...known, snapshots: [snapshot] }, 0) === undefined) continue
    if (!(await isKnownToLog(log, snapshot.manifest!))) continue
    try {
      await imageParts(objects!, snapshot.manifest!).check()
      return snapshot
    } catch (error) {
      if (!isBorealError(error, 'snapshot_corrupt')) throw error
    }
  }
  return undefined
}

async function refuseIfRepairable(
  { storeId }: Source,
  found: Surroundings,
  lsn: number,
  copies: readonly Copies[],
): Promise<void> {
  for (const place of copies) {
    const copy = await place.find(lsn)
    if (copy === undefined || whyNotTheOne(storeId, found, copy, lsn) !== undefined) continue
    throw refusal(
      `${place.place} has an intact copy of log entry ${lsn}: boreal doctor repair ${lsn} --from ${place.place}`,
    )
  }
}

function refusal(why: string): BorealError {
  return new BorealError('precondition_failed', `nothing is quarantined: ${why}`)
}

/** Records the decision in the head item, and appends an empty entry, in which running nodes hear of it (`ring`). */
export async function quarantine(
  plan: QuarantinePlan,
  source: Source,
  log: Log,
  { repair }: Mending,
): Promise<QuarantineRecord> {
  const { known, mark, hash: fromChain, lsn, to, reason, by, failure, transactions } = plan
  // Whoever wins the slot behind it says which hash the chain goes on from.
  const hash = fromChain ?? (await putBehind(log, source, mark!))
  const record: QuarantineRecord = { lsn, to, hash, failure, transactions, reason, by, at: Math.round(log.now()) }
  const found = (await source.log.head())?.quarantined
  await repair.setQuarantine(found, encodeQuarantine([...known.quarantined, record]))
  await ring(log, source, to + 1)
  return record
}

/** Appends an empty entry at the end of the log: whoever has applied what is quarantined reads the list there. */
export async function ring(log: Log, source: Source, from: number): Promise<void> {
  for (;;) {
    const end = await log.findEnd(from - 1)
    const slot = await source.log.slot(end)
    if (slot === undefined) continue
    verifyItem(slot.item, source.storeId)
    if (await appendEmpty(log, markOf(slot.item))) return
  }
}

async function putBehind(log: Log, source: Source, mark: LogMark): Promise<string> {
  await appendEmpty(log, mark)
  const successor = await source.log.slot(mark.lsn + 1)
  verifyItem(successor!.item, source.storeId)
  return successor!.item.prev
}

async function appendEmpty(log: Log, mark: LogMark): Promise<boolean> {
  const pending = await log.append(log.encode(mark, log.nextTime(mark), []))
  const settled = await pending.settled
  if (settled.kind === 'failed') throw settled.error
  return settled.kind === 'durable'
}
