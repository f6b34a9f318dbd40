import { expect, test } from 'vitest'
import { loadDump } from '../../lib/dump/load-dump.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { assertPassed } from '../../lib/node/backup-job.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { dumpObjects } from '../../lib/node/dump-objects.ts'
import { startNode } from '../../lib/node/start-node.ts'
import { withStore } from '../../lib/node/with-store.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { freshEngine, heldBy } from '../support/dumps.ts'
import { task } from '../support/records.ts'
import { RecordingLogger, withFlippedBit } from '../support/snapshots.ts'
import { temporaryFolder } from '../support/temporary.ts'

const NEVER = new AbortController().signal

/** What functions and commands do on what a configuration names, without a node. */

test('a backup, a drill, a dump; and a drill that does not pass is a failure', { timeout: 240_000 }, async () => {
  const data = await temporaryFolder()
  const elsewhere = await temporaryFolder()
  const context = { runtime: systemRuntime, logger: new RecordingLogger() }
  const config = nodeConfig({ data, sync: false, readers: '0', backupObjects: elsewhere }, {})
  const { node, close } = await startNode(config, context)
  const save = transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task('t-1')] }] })
  await node.submit(save, { principal: 'p', key: 'key' })
  const { lsn, digest } = await node.digest()
  const { storeId } = node
  await close()

  const backupOnce = async () => (await withStore(config, context, ({ runJob }) => runJob('backup', {}, NEVER)))!
  const drillOnce = () =>
    withStore(config, context, async ({ runJob }) => {
      const outcome = await runJob('drill', {}, NEVER)
      assertPassed(outcome)
      return outcome
    })
  await expect(drillOnce()).rejects.toMatchObject({ code: 'not_found' })
  const { backupId } = await backupOnce()
  expect(await backupOnce()).toMatchObject({ made: false, backupId })
  expect(await drillOnce()).toMatchObject({ passed: true, backupId, lsn })

  const engine = await freshEngine()
  const named: string[] = []
  const dump = () => dumpObjects(config.storage, {}, ({ id }) => named.push(id))
  expect(await loadDump(engine, dump())).toMatchObject({ storeId, lsn, digest })
  expect(await heldBy(engine)).toMatchObject({ lsn, digest, rows: { task: 1, 'boreal.idempotency': 1 } })
  await engine.kill()
  expect(named).toEqual([expect.stringMatching(/^0+1-/)])
  const nobody = dumpObjects(config.storage, { storeId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }, () => undefined)
  await expect(nobody.next()).rejects.toMatchObject({ code: 'not_found' })

  const places = new DirectoryObjects(elsewhere)
  const part = `${storeId}/backups/${backupId}/image/00000`
  await places.put(part, withFlippedBit(await places.get(part), 1))
  await expect(drillOnce()).rejects.toMatchObject({
    code: 'backup_corrupt',
    message: expect.stringMatching(/its image failed: part 0 .*boreal backup now/),
  })
})
