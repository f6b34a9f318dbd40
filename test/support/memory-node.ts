import { onTestFinished } from 'vitest'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { BorealNode, type NodeOptions } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { testImage } from './image.ts'
import { temporaryFolder } from './temporary.ts'

export interface TestNode {
  node: BorealNode
  table: MemoryTable
  storeId: string
}

/**
 * A node on a log in memory, stopped when the test ends. By default without readers and threads, so that starting one
 * takes half a second. Several nodes on one `table` are several nodes of one store.
 */
export async function memoryNode(
  options: Partial<NodeOptions> & { table?: MemoryTable; storeId?: string } = {},
): Promise<TestNode> {
  const { table = new MemoryTable(), storeId = 'store-of-the-test', ...rest } = options
  const log =
    options.log ??
    new Log(new MemoryLog(storeId, table), {
      storeId,
      bodies: new DirectoryObjects(await temporaryFolder()),
      runtime: systemRuntime,
      logger: silentLogger,
    })
  const node = await BorealNode.open({
    image: await testImage(),
    runtime: systemRuntime,
    logger: silentLogger,
    readers: 0,
    threads: false,
    ...rest,
    log,
  })
  onTestFinished(() => node.close())
  return { node, table, storeId }
}
