import { expect, test } from 'vitest'
import type { LoggedTransaction } from '../../lib/log/entry.ts'
import { decodeEntry, encodeEntry } from '../../lib/log/entry-codec.ts'
import { type EventRegistry, upcastEvent } from '../../lib/model/event-registry.ts'
import type { WrittenEvent } from '../../lib/model/events.ts'
import { ChangeSet } from '../../lib/store/change-set.ts'
import { foldEntries } from '../../lib/store/fold.ts'
import { quotasTable } from '../../lib/store/quotas-table.ts'
import type { Snapshot } from '../../lib/writer/batch-reads.ts'
import { JobTally } from '../../lib/writer/job-tally.ts'
import { Overlay } from '../../lib/writer/overlay.ts'
import { STORE_LIMITS } from '../../lib/writer/store-limits.ts'

/** Quotas as if they had been plain numbers in version 1. */
const REGISTRY: EventRegistry = new Map([
  [
    'quotaSaved',
    [
      ({ role, cpus }: { role: string; cpus: number }) => ({
        role,
        quota: { resources: [{ diskMb: 1 }, { numCpus: cpus }, { ramMb: 1 }] },
      }),
    ],
  ],
])

const META = { version: 1, timeMs: 1_764_000_000_000 }

test('an event that is written in an earlier version has at once the effect that replay gives it', () => {
  const earlier = { event: 'quotaSaved', v: 1, role: 'a', cpus: 4 } as unknown as WrittenEvent
  const snapshot = { rows: new Map([[quotasTable, new Map()]]) } as unknown as Snapshot
  snapshot.rows.get(quotasTable as never)!.set('a', undefined as never)
  const changes = new ChangeSet()
  const batch = { snapshot, changes, tally: new JobTally(), meta: META, limits: STORE_LIMITS, registry: REGISTRY }
  const overlay = new Overlay(batch)
  overlay.emit(earlier)
  // It is merged with none of another version, whose shape is another one.
  expect(overlay.extend({ ...upcastEvent(earlier, REGISTRY) }, () => expect.unreachable())).toBe(false)
  expect(overlay.row(quotasTable, 'a')).toEqual({
    role: 'a',
    quota: { resources: [{ diskMb: 1 }, { numCpus: 4 }, { ramMb: 1 }] },
  })
  overlay.commit()
  expect(overlay.events).toEqual([earlier])

  const transactions = [{ id: 't', actor: 'ann', events: overlay.events, results: [] }] as LoggedTransaction[]
  const draft = { lsn: META.version, time: META.timeMs, prev: 'ab'.repeat(32), transactions }
  const { item, body } = encodeEntry(draft, { storeId: 'STORE', writer: 'w', attempt: 'a' })
  expect(JSON.parse(body.toString())[0].events).toEqual([earlier])
  expect(changes).toEqual(foldEntries([decodeEntry(item, body, REGISTRY)]))
})
