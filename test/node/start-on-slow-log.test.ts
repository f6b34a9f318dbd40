import { expect, test } from 'vitest'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { BorealNode } from '../../lib/node/node.ts'
import type { Engine } from '../../lib/store/engine.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { testImage } from '../support/image.ts'
import { memoryLog, memoryNode } from '../support/memory-node.ts'
import { request, saveQuota } from '../support/requests.ts'

const as = (principal: string) => ({ principal })

test('a node starts although the log does not answer at first, and says so', async () => {
  const { node: first, table, storeId } = await memoryNode()
  await first.submit(request([saveQuota('www')]), as('p'))
  const { log, events } = await memoryLog(table, storeId)
  // The genesis; a page, which is read while the engine boots; then the end of the log, and the page again.
  const failing = { get: 1, read: 2 }
  const answer = (kind: keyof typeof failing) => {
    if (failing[kind]-- > 0) throw new Error('no answer within a second')
  }
  const [get, read] = [events.get.bind(events), events.read.bind(events)]
  events.get = async (lsn) => {
    answer('get')
    return get(lsn)
  }
  events.read = async (after) => {
    answer('read')
    return read(after)
  }
  const warnings: string[] = []
  const node = await BorealNode.open({
    log,
    image: await testImage(),
    runtime: systemRuntime,
    logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    readers: 0,
    boot: async (image) => {
      const engine = await PgliteEngine.bootImage(image)
      failing.get = 1
      return engine
    },
  })
  expect(node.tailLsn).toBe(1)
  expect(warnings).toEqual(Array.from({ length: 3 }, () => 'the log does not answer, trying again'))
  await node.close()
})

test('a start that fails leaves no engine behind', async () => {
  const { log, events } = await memoryLog(new MemoryTable(), 'store-of-the-test')
  const engines: Engine[] = []
  const opening = BorealNode.open({
    log,
    image: await testImage(),
    runtime: systemRuntime,
    logger: silentLogger,
    readers: 0,
    boot: async (image) => {
      const engine = await PgliteEngine.bootImage(image)
      engines.push(engine)
      // From here on what is read makes no sense: nothing that waiting could mend.
      events.read = async () => [{ ...(await events.get(0))!, lsn: 1 }]
      return engine
    },
  })
  await expect(opening).rejects.toMatchObject({ code: 'log_corrupt' })
  expect(engines.map(({ alive }) => alive)).toEqual([false])
})
