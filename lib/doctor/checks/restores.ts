import { readOnlyLog } from '../../log/inspection.ts'
import { Log } from '../../log/log.ts'
import { messageOf } from '../../model/errors.ts'
import { onlyEmptyStore, openStore } from '../../replica/image-source.ts'
import { isMuch, replay, replayInBulk } from '../../replica/replay.ts'
import type { Snapshot } from '../../snapshot/catalog.ts'
import { type Contents, contentsOf, difference } from '../../snapshot/describe.ts'
import { imageParts } from '../../snapshot/image-object.ts'
import { unusableBecause } from '../../snapshot/usable.ts'
import type { Store } from '../../store/store.ts'
import { ThreadEngine } from '../../store/thread-engine.ts'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'
import { isTooOld } from '../known.ts'

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
    for (const each of whole.filter((snapshot) => !usable.includes(snapshot))) {
      yield {
        severity: 'warning',
        lsn: each.lsn,
        what: `snapshot ${each.id} cannot be restored by this build: ${unusableBecause(each.manifest!, base)}`,
      }
    }
    const replayed = await ReplayedStore.open(context)
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
  const there = replayed.stopped
  const contents = await replayed.at(lsn)
  const differs = contents === undefined ? undefined : difference(contents, manifest!)
  if (differs !== undefined) findings.push(damage(`against a replay of the log, ${differs}`))
  if (there === undefined && replayed.stopped !== undefined) {
    findings.push({
      severity: 'warning',
      lsn,
      what: `the log cannot be replayed to here, so nothing is compared with it: ${replayed.stopped}`,
    })
  }
  return findings
}

async function restored({ objects, base }: DoctorContext, { id, manifest }: Snapshot): Promise<Contents> {
  const { lsn, hash, entryTime: time } = manifest!
  const image = {
    name: `snapshot ${id}`,
    mark: { lsn, hash, time },
    parts: imageParts(objects!, manifest!),
    wasm: (await base()).wasm,
  }
  const store = await openStore(await ThreadEngine.boot(image), image)
  try {
    return await contentsOf(store)
  } finally {
    await store.engine.kill()
  }
}

/** A store that has nothing but the log, and goes forward along it. */
class ReplayedStore {
  readonly #log: Log
  readonly #store: Store | undefined
  /** Why it cannot go on. */
  stopped: string | undefined

  private constructor(log: Log, store: Store | undefined, stopped: string | undefined) {
    this.#log = log
    this.#store = store
    this.stopped = stopped
  }

  static async open({
    log: inspection,
    storeId,
    bodies,
    runtime,
    logger,
    base,
  }: DoctorContext): Promise<ReplayedStore> {
    const readOnly = { put: async () => Promise.reject(new Error('read only')), get: (key: string) => bodies.get(key) }
    const log = new Log(readOnlyLog(inspection), { storeId, bodies: readOnly, runtime, logger })
    try {
      for await (const image of onlyEmptyStore(await base(), () => log.genesis()).images(0)) {
        return new ReplayedStore(log, await openStore(await ThreadEngine.boot(image), image), undefined)
      }
    } catch (error) {
      return new ReplayedStore(log, undefined, messageOf(error))
    }
    return new ReplayedStore(log, undefined, 'there is no empty store')
  }

  async at(lsn: number): Promise<Contents | undefined> {
    const store = this.#store
    if (store === undefined || this.stopped !== undefined) return undefined
    try {
      await (isMuch(store.mark.lsn, lsn) ? replayInBulk : replay)(this.#log, store, { upTo: lsn })
      if (store.mark.lsn !== lsn) throw new Error(`the log ends at ${store.mark.lsn}`)
      return await contentsOf(store)
    } catch (error) {
      this.stopped = messageOf(error)
      return undefined
    }
  }

  async close(): Promise<void> {
    await this.#store?.engine.kill()
  }
}
