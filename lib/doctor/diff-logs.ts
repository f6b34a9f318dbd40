import { storedTransactions } from '../log/entry-codec.ts'
import type { LogItem } from '../log/event-log.ts'
import { exportSlot, lineOf } from '../log/export-format.ts'
import { messageOf } from '../model/errors.ts'
import type { Source } from './context.ts'
import { bodyOf } from './slot-health.ts'
import { firstSlot, walk } from './walk.ts'

/** What one side has at the place where two logs part. */
export interface SideAt {
  hash: string
  time: number
  writer: string
  /** Ids, actors and events; why not, where the body cannot be read. */
  transactions: { id: string; actor: string; events: string[] }[] | string
}

export interface LogDifference {
  storeIds: [string, string]
  /** Entries that are the same in both. */
  same: number
  /** The first slot that differs; undefined when none does. */
  first?: { lsn: number; fields: string[]; a: SideAt | undefined; b: SideAt | undefined }
  /** Slots that both have, and that are not the same. */
  different: number
  onlyA: Span
  onlyB: Span
}

/** How many slots, the first and the last of them. */
export interface Span {
  count: number
  from?: number
  to?: number
}

interface Whole {
  lsn: number
  line: Record<string, unknown>
  item: LogItem
}

/** Compares two logs slot by slot, byte by byte, bodies with them. Neither is held in memory. */
export async function diffLogs(a: Source, b: Source, onSlot: () => void = () => undefined): Promise<LogDifference> {
  const found: LogDifference = {
    ...{ storeIds: [a.storeId, b.storeId], same: 0, different: 0 },
    ...{ onlyA: { count: 0 }, onlyB: { count: 0 } },
  }
  const [left, right] = [wholes(a), wholes(b)]
  let [here, there] = [await left.next(), await right.next()]
  while (!here.done || !there.done) {
    onSlot()
    const lsn = Math.min(here.value?.lsn ?? Infinity, there.value?.lsn ?? Infinity)
    const [one, other] = [
      here.value?.lsn === lsn ? here.value : undefined,
      there.value?.lsn === lsn ? there.value : undefined,
    ]
    const fields = fieldsThatDiffer(one, other)
    if (fields.length === 0) found.same++
    else if (one !== undefined && other !== undefined) found.different++
    else grow(one === undefined ? found.onlyB : found.onlyA, lsn)
    if (fields.length > 0) found.first ??= { lsn, fields, a: await sideAt(one, a), b: await sideAt(other, b) }
    if (one !== undefined) here = await left.next()
    if (other !== undefined) there = await right.next()
  }
  return found
}

export function isSame({ first }: LogDifference): boolean {
  return first === undefined
}

async function* wholes(source: Source): AsyncGenerator<Whole, undefined> {
  const head = await source.log.head()
  const first = await firstSlot(source.log, head?.trimmedTo ?? 0)
  if (first === undefined) return undefined
  for await (const steps of walk(source.log, first)) {
    for (const step of steps) {
      if (!('slot' in step)) continue
      const { item } = step.slot
      const body = await bodyOf(item, source.bodies).catch(() => undefined)
      yield { lsn: item.lsn, item, line: JSON.parse(lineOf(exportSlot(item, body))) as Record<string, unknown> }
    }
  }
  return undefined
}

function fieldsThatDiffer(a: Whole | undefined, b: Whole | undefined): string[] {
  if (a === undefined || b === undefined) return ['missing']
  const names = new Set([...Object.keys(a.line), ...Object.keys(b.line)])
  return [...names].filter((name) => a.line[name] !== b.line[name])
}

function grow(span: Span, lsn: number): void {
  span.count++
  span.from ??= lsn
  span.to = lsn
}

async function sideAt(whole: Whole | undefined, source: Source): Promise<SideAt | undefined> {
  if (whole === undefined) return undefined
  const { hash, time, writer } = whole.item
  try {
    const stored = storedTransactions(whole.item, await bodyOf(whole.item, source.bodies))
    const transactions = stored.map(({ id, actor, events }) => ({
      ...{ id, actor },
      events: events.map((event) => String((event as { event?: unknown }).event)),
    }))
    return { hash, time, writer, transactions }
  } catch (error) {
    return { hash, time, writer, transactions: messageOf(error) }
  }
}
