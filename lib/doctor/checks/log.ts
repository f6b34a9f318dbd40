import { type LogMark, markOf } from '../../log/chain.ts'
import { bucketKey, headKey } from '../../log/keys.ts'
import type { QuarantineRecord } from '../../log/quarantine.ts'
import { adviceAt } from '../advice.ts'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'
import { breakBetween, healthOf } from '../slot-health.ts'
import { aboutLength, firstSlot, type Step, walk } from '../walk.ts'

/** Every slot: there, unharmed, with its body, following the one before. */
export const logCheck: Check = {
  name: 'log',
  async *run(context): AsyncGenerator<Finding> {
    const { log, known, storeId, progress } = context
    const first = await firstSlot(log, known.trimmedTo)
    if (first === undefined) {
      yield {
        ...{ severity: 'damage', what: `the table has no entry of store ${storeId}, not even its first` },
        ...adviceAt(context, 0, 0),
      }
      return
    }
    progress.begin('entries', await aboutLength(log, first))
    const examination = new Examination(context, first)
    for await (const steps of walk(log, first)) {
      for (const step of steps) yield* examination.of(step)
      progress.advance(steps.length)
    }
    yield* examination.end()
    progress.end()
  },
}

/** What is kept from one slot to the next. */
class Examination {
  readonly #context: DoctorContext
  readonly #first: number
  #counts = { entries: 0, transactions: 0, tombstones: 0 }
  #lastLsn: number | undefined
  /** Where the chain stands; undefined behind a slot that cannot be believed. */
  #mark: LogMark | undefined
  #wholeSeen = false
  /** An entry that is whole although it should have been trimmed. */
  #wholeBelow: number | undefined

  constructor(context: DoctorContext, first: number) {
    this.#context = context
    this.#first = first
  }

  async *of(step: Step): AsyncGenerator<Finding> {
    const { lsn, to } = 'missing' in step ? step.missing : { lsn: step.slot.item.lsn, to: step.slot.item.lsn }
    this.#lastLsn = to
    const record = this.#context.known.quarantined.find((each) => each.lsn <= lsn && to <= each.to)
    if (record !== undefined) return yield* this.#quarantined(record, to)
    if ('missing' in step) {
      this.#mark = undefined
      return yield this.#damage(lsn, to, lsn === to ? 'it is missing' : `${to - lsn + 1} entries are missing`)
    }
    yield* this.#slot(step.slot)
  }

  *end(): Generator<Finding> {
    const { entries, transactions, tombstones } = this.#counts
    const last = this.#lastLsn ?? this.#first
    const { trimmedTo } = this.#context.known
    if (this.#wholeBelow !== undefined) yield this.#wrongHead(`LSN ${this.#wholeBelow} is whole`)
    if (trimmedTo > last) yield this.#wrongHead(`the log ends at ${last}`)
    const trimmed = tombstones === 0 ? '' : `, ${tombstones} tombstones`
    yield ok(`${entries} entries, ${transactions} transactions${trimmed}, up to LSN ${last}`)
  }

  async *#slot(slot: Extract<Step, { slot: unknown }>['slot']): AsyncGenerator<Finding> {
    const { item } = slot
    const { lsn } = item
    const { storeId, bodies, known } = this.#context
    const health = await healthOf(slot, storeId, bodies)
    if (health.state === 'tombstone') {
      this.#counts.tombstones++
      if (this.#wholeSeen) yield this.#damage(lsn, lsn, 'it was trimmed although an entry before it was not')
      // A tombstone has its hash alone: the next one that is whole says whether it is right.
      this.#mark = { lsn, hash: item.hash, time: 0 }
      return
    }
    this.#wholeSeen = true
    if (known.trimmedTo > 0 && lsn <= known.trimmedTo) this.#wholeBelow ??= lsn
    if (health.state === 'damaged') {
      this.#mark = health.attributesIntact ? markOf(item) : undefined
      yield this.#damage(lsn, lsn, health.why)
      return
    }
    const broken = lsn === this.#first ? this.#wrongStart(item.prev) : this.#mark && breakBetween(this.#mark, item)
    this.#mark = markOf(item)
    if (broken !== undefined) yield this.#damage(lsn, lsn, broken)
    if (health.state === 'newer') {
      yield { severity: 'warning', lsn, what: health.why, next: 'A newer build wrote it: run that one.' }
      return
    }
    if (item.codec !== 'none') this.#counts.entries++
    this.#counts.transactions += health.transactions
  }

  /** The log begins with an entry that follows nothing, unless what was before it was trimmed. */
  #wrongStart(prev: string): string | undefined {
    if (this.#context.known.trimmedTo > 0 || prev === '') return undefined
    return 'the log begins with it, and it follows another entry: the first ones are missing'
  }

  *#quarantined(record: QuarantineRecord, to: number): Generator<Finding> {
    this.#mark = to === record.to ? { lsn: to, hash: record.hash, time: this.#mark?.time ?? 0 } : this.#mark
    if (to !== record.to) return
    const lost = record.transactions === null ? 'an unknown number of' : record.transactions
    yield {
      ...{ severity: 'warning', lsn: record.lsn, to: record.to },
      what: `quarantined by ${record.by} on ${new Date(record.at).toISOString()} (${record.reason}): ${record.failure}; ${lost} transactions are lost`,
      safe: 'Every store steps over it, and the chain goes on behind it.',
    }
  }

  #wrongHead(what: string): Finding {
    const { storeId, known } = this.#context
    return {
      ...{
        severity: 'damage',
        key: headKey(storeId),
        what: `it says that the log is trimmed to ${known.trimmedTo}, and ${what}`,
      },
      safe: 'Entries do not depend on it. Nodes that stand before that LSN refuse to go on.',
      next: 'Put the attribute "trimmedTo" of the item back from a backup of the table; too low is safe, too high is not.',
    }
  }

  #damage(lsn: number, to: number, what: string): Finding {
    const { storeId } = this.#context
    return { severity: 'damage', lsn, to, key: bucketKey(storeId, lsn), what, ...adviceAt(this.#context, lsn, to) }
  }
}
