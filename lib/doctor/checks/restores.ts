import type { Log } from '../../log/log.ts'
import { messageOf } from '../../model/errors.ts'
import type { Snapshot } from '../../snapshot/catalog.ts'
import { type Contents, contentsOf, difference } from '../../snapshot/describe.ts'
import { unusableBecause } from '../../snapshot/usable.ts'
import type { Store } from '../../store/store.ts'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'
import { isTooOld } from '../known.ts'
import { readingLog } from '../reading-log.ts'
import { advance, storeAt, storeOf } from '../scratch-store.ts'

/** Restores every snapshot, and compares what is in it with its manifest and with a replay of the log. */
export const restoresCheck: Check = {
  name: 'restores',
  deep: true,
  applies: ({ objects }) => objects !== undefined,
  async *run(context): AsyncGenerator<Finding> {
    const { known, progress } = context
    const base = await context.base()
    const whole = known.snapshots.filter(
      (each) => ['verified', 'complete'].includes(each.state) && !isTooOld(each, known),
    )
    const usable = whole.filter(({ manifest }) => unusableBecause(manifest!, base) === undefined).reverse()
    for (const { id, lsn, manifest } of whole.filter((snapshot) => !usable.includes(snapshot))) {
      const what = `snapshot ${id} cannot be restored by this build: ${unusableBecause(manifest!, base)}`
      yield { severity: 'warning', lsn, what }
    }
    const replayed = new ReplayedStore(context)
    progress.begin('snapshots', usable.length)
    try {
      for (const snapshot of usable) {
        yield* await compare(context, snapshot, replayed)
        progress.advance(1)
      }
    } finally {
      progress.end()
      await replayed.close()
    }
    yield ok(
      `${usable.length} restored${replayed.stopped === undefined ? ' and compared with a replay of the log' : ''}`,
    )
  },
}

async function compare(context: DoctorContext, snapshot: Snapshot, replayed: ReplayedStore): Promise<Finding[]> {
  const { id, lsn, manifest } = snapshot
  const damage = (what: string): Finding => ({
    ...{ severity: 'damage', lsn, what: `snapshot ${id}: ${what}` },
    safe: 'The log is what counts, if it is whole (above).',
    next: 'boreal snapshot now takes another one. Keep this one and report it.',
  })
  const findings: Finding[] = []
  try {
    const differs = difference(manifest!, await restored(context, snapshot))
    if (differs !== undefined) findings.push(damage(`restored, ${differs}`))
  } catch (error) {
    findings.push(damage(`it cannot be restored: ${messageOf(error)}`))
  }
  const hadStopped = replayed.stopped !== undefined
  const contents = await replayed.at(lsn)
  // The digest of another schema cannot be had from a store of this one.
  const isOurs = manifest!.schemaVersion === (await context.base()).schemaVersion
  const differs = contents === undefined || !isOurs ? undefined : difference(contents, manifest!)
  if (differs !== undefined) findings.push(damage(`against a replay of the log, ${differs}`))
  if (replayed.stopped !== undefined && !hadStopped) {
    const what = `the log cannot be replayed to here, so nothing is compared with it: ${replayed.stopped}`
    findings.push({ severity: 'warning', lsn, what })
  }
  return findings
}

async function restored({ objects, base }: DoctorContext, { manifest }: Snapshot): Promise<Contents> {
  const store = await storeOf(manifest!, objects!, await base())
  try {
    return await contentsOf(store, manifest!.schemaVersion)
  } finally {
    await store.engine.kill()
  }
}

/** A store that has nothing but the log, and goes forward along it. */
class ReplayedStore {
  readonly #context: DoctorContext
  readonly #log: Log
  #store: Store | undefined
  /** Why it cannot go on. */
  stopped: string | undefined

  constructor(context: DoctorContext) {
    this.#context = context
    this.#log = readingLog(context, context)
  }

  async at(lsn: number): Promise<Contents | undefined> {
    if (this.stopped !== undefined) return undefined
    const { base, logger } = this.#context
    try {
      if (this.#store === undefined) this.#store = await storeAt({ log: this.#log, base: await base(), logger, lsn })
      else await advance(this.#log, this.#store, lsn)
      return await contentsOf(this.#store)
    } catch (error) {
      this.stopped = messageOf(error)
      return undefined
    }
  }

  async close(): Promise<void> {
    await this.#store?.engine.kill()
  }
}
