import { createHash } from 'node:crypto'
import { CorruptEntry } from '../log/corrupt-entry.ts'
import { EXPORT_FORMAT, type ExportEnd, type ExportedSlot, exportSlot, lineOf } from '../log/export-format.ts'
import type { Source } from './context.ts'
import { bodyOf } from './slot-health.ts'
import { firstSlot, walk } from './walk.ts'

/** What an export is made of: a store that is open for looking into it, or a server that is asked. */
export interface ExportSource {
  storeId: string
  trimmedTo: number
  quarantined: string | undefined
  slots(): AsyncIterable<ExportedSlot[]>
}

/** Every slot of a store as it is, damaged ones too; those that are missing are left out. */
export async function exportSource({ log, storeId, bodies }: Source): Promise<ExportSource> {
  const { trimmedTo = 0, quarantined } = (await log.head()) ?? {}
  const bodyThere = (item: Parameters<typeof bodyOf>[0]) =>
    bodyOf(item, bodies).catch((error: unknown) => {
      if (error instanceof CorruptEntry) return undefined
      throw error
    })
  return {
    ...{ storeId, trimmedTo, quarantined },
    async *slots() {
      const first = await firstSlot(log, trimmedTo)
      if (first === undefined) return
      for await (const steps of walk(log, first)) {
        const slots: ExportedSlot[] = []
        for (const step of steps) {
          if ('slot' in step) slots.push(exportSlot(step.slot.item, await bodyThere(step.slot.item)))
        }
        yield slots
      }
    },
  }
}

/**
 * Writes an export line by line.
 *
 * @param write takes a piece of it; resolves when the next one may come
 */
export async function writeExport(
  source: ExportSource,
  exportedAt: number,
  write: (text: string) => Promise<void>,
  onSlots: (count: number) => void = () => undefined,
): Promise<ExportEnd> {
  const hash = createHash('sha256')
  const say = async (lines: string[]) => {
    const text = lines.map((line) => `${line}\n`).join('')
    hash.update(text)
    await write(text)
  }
  const { storeId, trimmedTo, quarantined = null } = source
  await say([lineOf({ boreal: 'log', format: EXPORT_FORMAT, storeId, exportedAt, trimmedTo, quarantined })])
  let entries = 0
  let end: number | null = null
  for await (const slots of source.slots()) {
    if (slots.length === 0) continue
    await say(slots.map(lineOf))
    entries += slots.length
    end = slots.at(-1)!.lsn
    onSlots(slots.length)
  }
  const last = { end, entries, sha256: hash.digest('hex') }
  await write(`${lineOf(last)}\n`)
  return last
}
