import { readHoldings, uncovered } from '../../archive/coverage.ts'
import { archivePrefix, type ListedSegment } from '../../archive/names.ts'
import { decodeSegment, type Segment, verifyEntries } from '../../archive/segment.ts'
import { chainOf, listSegments } from '../../archive/segments.ts'
import { TRIM_SETTINGS } from '../../archive/trim-settings.ts'
import type { LogItem } from '../../log/event-log.ts'
import { isStandIn, recordIn } from '../../log/stand-in.ts'
import { isBorealError, messageOf } from '../../model/errors.ts'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'
import { readingLog } from '../reading-log.ts'

/** Every segment, that they are one chain with the log, and that everything in retention can be restored. */
export const archiveCheck: Check = {
  name: 'archive',
  applies: ({ objects }) => objects !== undefined,
  async *run(context): AsyncGenerator<Finding> {
    const { objects, storeId, progress } = context
    const listed = await listSegments(objects!, storeId)
    progress.begin('segments', listed.length)
    let last: LogItem | undefined
    let entries = 0
    for (const name of listed) {
      const after = last?.lsn === name.from - 1 ? last : undefined
      const { segment, finding } = await readSegment(context, name, after)
      if (finding !== undefined) yield finding
      if (segment !== undefined) {
        last = segment.entries.at(-1)!.item
        entries += segment.entries.length
        yield* strangers(context, name, segment)
        yield* await againstTable(context, name, segment)
      }
      progress.advance(1)
    }
    progress.end()
    const { gaps, end } = chainOf(listed)
    for (const { from, to } of gaps) yield gap(context, from, to)
    if (listed.length > 0) yield* await coverage(context)
    yield ok(`${listed.length} segments, ${entries} entries${end === undefined ? '' : `, up to LSN ${end.to}`}`)
  },
}

async function readSegment(
  { objects, storeId }: DoctorContext,
  name: ListedSegment,
  after: LogItem | undefined,
): Promise<{ segment?: Segment; finding?: Finding }> {
  try {
    const segment = await decodeSegment(storeId, name, await objects!.get(name.key))
    verifyEntries(name, segment, after)
    return { segment }
  } catch (error) {
    // Merged into a larger one while we looked.
    if (isBorealError(error, 'not_found')) return {}
    if (!isBorealError(error, 'archive_corrupt')) throw error
    return { finding: damagedSegment(name, messageOf(error)) }
  }
}

function damagedSegment({ key, from, to }: ListedSegment, what: string): Finding {
  return {
    ...{ severity: 'damage', lsn: from, to, key, what },
    safe: 'Nobody believes it. Entries that the table still has, or another segment, are read there.',
    next: 'boreal archive now --check writes it again from another copy, if there is one.',
  }
}

/** What is said to be lost must be stepped over by every store: the list in the head item is what they go by. */
function strangers({ known }: DoctorContext, name: ListedSegment, { entries }: Segment): Finding[] {
  const strange = entries.find(({ item }) => {
    const { lsn, to } = recordIn(item) ?? { lsn: -1, to: -1 }
    return isStandIn(item) && !known.quarantined.some((each) => each.lsn === lsn && each.to === to)
  })
  if (strange === undefined) return []
  const { lsn } = strange.item
  const what = `the archive has LSN ${lsn} as quarantined, and the list in the head item does not`
  const next = 'Put the attribute "quarantined" of the head item back from a backup of the table.'
  return [{ ...damagedSegment({ ...name, from: lsn, to: lsn }, what), next }]
}

/** What the table still says of these entries, be it as tombstones, must be true of them. */
async function againstTable(context: DoctorContext, name: ListedSegment, { entries }: Segment): Promise<Finding[]> {
  const hashes = new Map(entries.map(({ item }) => [item.lsn, item.hash]))
  for (let after = name.from - 1; after < name.to; ) {
    const slots = await context.log.slots(after)
    for (const { item } of slots) {
      const hash = hashes.get(item.lsn)
      // What is damaged in the table is a finding of the log.
      if (hash === undefined || hash === item.hash || !item.trimmed) continue
      const what = `the tombstone of LSN ${item.lsn} has another hash than the archive's entry`
      return [damagedSegment({ ...name, from: item.lsn, to: item.lsn }, what)]
    }
    // Trimmed to the last one, or the end of a bucket.
    if (slots.length === 0) break
    after = slots.at(-1)!.item.lsn
    if (!slots.at(-1)!.item.trimmed) break
  }
  const slot = await context.log.slot(name.to)
  if (slot === undefined && name.to > context.known.trimmedTo && !isQuarantined(context, name.to, name.to)) {
    return [
      damagedSegment(name, `the archive has LSN ${name.to}, the table does not: entries that were durable are gone`),
    ]
  }
  return []
}

function gap({ storeId }: DoctorContext, from: number, to: number): Finding {
  return {
    ...{
      severity: 'damage',
      lsn: from,
      to,
      key: archivePrefix(storeId),
      what: 'the archive does not have these entries',
    },
    safe: 'Nothing is trimmed beyond them.',
    next: 'boreal archive now: what the table still has is copied.',
  }
}

/** States in retention that could not be restored, by what is there. */
async function coverage(context: DoctorContext): Promise<Finding[]> {
  const { objects } = context
  const log = readingLog(context, context)
  try {
    const holdings = await readHoldings({ log, objects: objects! }, TRIM_SETTINGS.retentionMs)
    return uncovered(holdings).map(({ from, to, why }) => ({
      ...{ severity: 'damage', lsn: from, to, what: `these states cannot be restored: ${why}` },
      safe: 'The newest state is another matter: see the log and the snapshots.',
      next: 'Keep every backup that covers them.',
    }))
  } catch (error) {
    return [{ severity: 'warning', what: `what can be restored cannot be told: ${messageOf(error)}` }]
  }
}

function isQuarantined({ known }: DoctorContext, from: number, to: number): boolean {
  return known.quarantined.some((each) => each.lsn <= to && from <= each.to)
}
