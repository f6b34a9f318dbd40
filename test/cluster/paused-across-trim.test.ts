import { setTimeout } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoTrimmableLog } from '../../lib/log/dynamo-trimmable-log.ts'
import { Log } from '../../lib/log/log.ts'
import { silentLogger as logger } from '../../lib/model/logger.ts'
import { systemRuntime as runtime } from '../../lib/model/runtime.ts'
import { BorealNode } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { ChildScript } from '../support/child-script.ts'
import { openDynamoLog } from '../support/embedded-table.ts'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { testImage } from '../support/image.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { BorealProcess } from '../support/server-process.ts'
import { entriesOf } from '../support/state.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { PausedInput, PausedOutput } from './paused-writer.ts'

/**
 * A writer that is stopped for real in the middle of an append, until its slot was written by another process or by itself,
 * archived, trimmed and freed.
 */

/** In place of a day; tombstones are freed at once, in place of 35 days later. */
const STALE_MS = 1_500
const settings = { tableMs: 0, tombstoneMs: 0, retentionMs: 100 * DAY_MS, graceMs: 0 }

test.each<[string, Fault['kind'] & ('lose-request' | 'lose-answer')]>([
  ['was never sent: another process has the slot', 'lose-request'],
  ['is in the log, and was not answered', 'lose-answer'],
])('a writer stopped across a trim while its append %s', async (_, kind) => {
  const folder = await temporaryFolder()
  const table = await BorealProcess.table(folder)
  const proxy = await FaultProxy.start(table.url)
  const objects = new DirectoryObjects(`${folder}/objects`)
  const openLog = async () => {
    const { events, storeId } = await openDynamoLog(table.url)
    return new Log(events, {
      ...{ storeId, bodies: objects, runtime, logger },
      archive: new ArchivedLog({ objects, storeId, logger }),
    })
  }
  const image = await testImage()
  const other = await BorealNode.open({
    ...{ image, log: await openLog(), logger, runtime, objects, readers: 0, boot: PgliteEngine.bootImage },
  })
  onTestFinished(() => other.close())
  const { storeId } = other
  for (let index = 0; index < 3; index++) await other.submit(request([saveQuota('www', index + 1)]), as('other'))

  let held = false
  proxy.use((operation) => {
    if (operation !== 'PutItem' && !held) return undefined
    const fault: Fault = { kind: held ? 'lose-request' : kind }
    held = true
    return fault
  })
  const input: PausedInput = {
    ...{ endpoint: proxy.url, storeId, objects: `${folder}/objects`, staleAfterMs: STALE_MS },
    operation: saveQuota('paused', 7),
  }
  const paused = await ChildScript.start('./paused-writer.ts', import.meta.url, input, { withStore: true })
  // Stopped while it waits to ask again, 80 ms at least by then. A request that is on its way already would arrive with
  // its slot freed: what keeps slots for 35 days is against that, and here they are freed at once.
  const puts = () => proxy.seen.filter((operation) => operation === 'PutItem').length
  await expect.poll(puts, { timeout: 120_000, interval: 5 }).toBeGreaterThanOrEqual(4)
  if (kind === 'lose-answer') expect(proxy.answered).toContain('PutItem')
  await setTimeout(20)
  paused.stop()
  const stoppedAt = Date.now()
  const slot = 4
  for (let index = 0; index < 5; index++) await other.submit(request([saveQuota('www', index + 10)]), as('other'))
  await takeSnapshot({ log: await openLog(), objects, base: image, runtime, logger })
  const { client, serverClock } = createDynamoClient({ endpoint: table.url }, runtime)
  const trimmable = new DynamoTrimmableLog(client, { table: 'boreal', storeId, serverClock })
  onTestFinished(async () => trimmable.close())
  const isFree = async () => {
    const context = { log: await openLog(), objects, logger, trimmable }
    await archive(context)
    expect((await trim(context, { settings })).refused).toEqual([])
    return (await trimmable.get(slot)) === undefined && Date.now() - stoppedAt > 2 * STALE_MS
  }
  await expect.poll(isFree, { timeout: 120_000, interval: 500 }).toBe(true)
  const before = other.tailLsn

  proxy.pass()
  paused.continue()
  const output = JSON.parse(await paused.output) as PausedOutput
  const places = (await entriesOf(other.log)).flatMap(({ lsn, transactions }) =>
    transactions.filter(({ principal }) => principal === 'paused').map(() => lsn),
  )
  // What it acknowledges is in the log, once, and where it says.
  expect(places).toEqual([output.lsn])
  expect(output.lsn).toBe(kind === 'lose-answer' ? slot : before + 1)
  expect(await trimmable.get(slot)).toBeUndefined()
  // And its read has all that was written while it stood.
  expect(output.readAt).toBeGreaterThanOrEqual(before)
  expect({ lsn: output.readAt, digest: output.digest }).toEqual(await other.digest())
})
