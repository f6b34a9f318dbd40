import { setTimeout } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { MemoryTrimmableLog } from '../../lib/log/memory-trimmable-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'
import { BorealNode, type NodeOptions } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import type { ObjectStore } from '../../lib/objects/object-store.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { testImage } from './image.ts'
import { ScriptedLog } from './scripted-log.ts'
import { type Cleanup, temporaryFolder } from './temporary.ts'

export interface TestNode {
  node: BorealNode
  table: MemoryTable
  storeId: string
  /** The node's way to the table: tests hold it up, lose answers, and so on. */
  events: ScriptedLog
  /** Where its large bodies are, and by default everything else that is an object. */
  bodies: ObjectStore
}

export interface TestNodeOptions extends Partial<NodeOptions> {
  /** Several nodes on one table are several nodes of one store. */
  table?: MemoryTable
  storeId?: string
  /** Nodes of one store whose entries are large share where their bodies are. */
  bodies?: ObjectStore
  /** Rows of a frame of a large entry. */
  frameRows?: number
  /** When the node is stopped: at the end of the test, or of the file (`afterAll`). */
  cleanup?: Cleanup
  /** Whether the readers have joined when the node is given. Default true. */
  joined?: boolean
}

/** A log over a table in memory. */
export async function memoryLog(
  table: MemoryTable,
  storeId: string,
  runtime: Runtime = systemRuntime,
  cleanup: Cleanup = onTestFinished,
  {
    objects,
    bodies: shared,
    frameRows,
  }: { objects?: ObjectStore | undefined; bodies?: ObjectStore | undefined; frameRows?: number | undefined } = {},
): Promise<{ log: Log; events: ScriptedLog; bodies: ObjectStore }> {
  const events = new ScriptedLog(new MemoryLog(storeId, table, runtime))
  const bodies = shared ?? new DirectoryObjects(await temporaryFolder(cleanup))
  const archive = new ArchivedLog({ objects: objects ?? bodies, storeId, logger: silentLogger })
  const log = new Log(events, { storeId, bodies, runtime, logger: silentLogger, archive, frameRows })
  return { events, bodies, log }
}

/** A node on a log in memory. By default without readers and threads, so that starting one takes half a second. */
export async function memoryNode(options: TestNodeOptions = {}): Promise<TestNode> {
  const {
    table = new MemoryTable(),
    storeId = 'store-of-the-test',
    cleanup = onTestFinished,
    joined = true,
    ...rest
  } = options
  const runtime = rest.runtime ?? systemRuntime
  const { log, events, bodies } = await memoryLog(table, storeId, runtime, cleanup, rest)
  const node = await BorealNode.open({
    image: await testImage(),
    logger: silentLogger,
    readers: 0,
    boot: PgliteEngine.bootImage,
    objects: bodies,
    trimmable: () => new MemoryTrimmableLog(table),
    ...rest,
    runtime,
    log,
  })
  cleanup(() => node.close())
  while (joined && (await node.status()).readers.length < (rest.readers ?? 0)) await setTimeout(5)
  return { node, table, storeId, events, bodies }
}
