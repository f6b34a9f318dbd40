import { randomUUID } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { CloneContext } from '../../lib/clone/create.ts'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import type { TableContext } from '../../lib/log/dynamo-items.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { ensureTable, openStore } from '../../lib/log/dynamo-store.ts'
import { DynamoStores } from '../../lib/log/dynamo-stores.ts'
import { Log } from '../../lib/log/log.ts'
import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'
import { type TransactionRequest, transactionRequest } from '../../lib/model/transaction.ts'
import { BorealNode, type NodeOptions } from '../../lib/node/node.ts'
import { snapshotJob } from '../../lib/node/snapshot-job.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { testImage } from './image.ts'
import { FaultyObjects, RecordingLogger } from './snapshots.ts'
import { type Cleanup, temporaryFolder } from './temporary.ts'

/** A table of its own on something that speaks DynamoDB, and an object store: where several stores live. */
export class StoresBed {
  readonly table = `stores-${randomUUID()}`
  readonly endpoint: string
  readonly objects: FaultyObjects
  readonly #cleanup: Cleanup

  private constructor(endpoint: string, objects: FaultyObjects, cleanup: Cleanup) {
    this.endpoint = endpoint
    this.objects = objects
    this.#cleanup = cleanup
  }

  static async open(endpoint: string, cleanup: Cleanup = onTestFinished): Promise<StoresBed> {
    const bed = new StoresBed(
      endpoint,
      new FaultyObjects(new DirectoryObjects(await temporaryFolder(cleanup))),
      cleanup,
    )
    await ensureTable(bed.tableContext())
    return bed
  }

  /** What a process has of the table. */
  tableContext({ endpoint = this.endpoint, runtime = systemRuntime as Runtime } = {}): TableContext {
    const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
    this.#cleanup(async () => client.destroy())
    return { client, table: this.table, runtime, serverClock }
  }

  stores(context = this.tableContext()): DynamoStores {
    return new DynamoStores(context)
  }

  /** The log of a store, by name. */
  async log(name = 'main', context = this.tableContext()): Promise<Log> {
    const { storeId, startsAt } = await openStore(context, name)
    const { client, table, runtime, serverClock } = context
    const events = new DynamoLog(client, { table, storeId, serverClock })
    return new Log(events, { storeId, startsAt, bodies: this.objects, runtime, logger: new RecordingLogger() })
  }

  /** A node of the store with this name: without readers and threads, so that starting one takes half a second. */
  async node(name = 'main', options: Partial<NodeOptions> = {}): Promise<BorealNode> {
    const context = this.tableContext()
    const node = await BorealNode.open({
      log: await this.log(name, context),
      image: await testImage(),
      logger: new RecordingLogger(),
      readers: 0,
      boot: PgliteEngine.bootImage,
      objects: this.objects,
      stores: new DynamoStores(context),
      runtime: context.runtime,
      pollMs: 100,
      ...options,
    })
    this.#cleanup(() => node.close())
    return node
  }

  /** What makes clones of a store: a process of its own, as far as table and objects can tell. */
  async cloneContext(
    name = 'main',
    context = this.tableContext(),
  ): Promise<CloneContext & { logger: RecordingLogger }> {
    const { objects } = this
    const { runtime } = context
    const [log, base, logger] = [await this.log(name, context), await testImage(), new RecordingLogger()]
    const takeSnapshot = (upTo: number | undefined) => snapshotJob({ log, objects, base, runtime, logger }, { upTo })
    return { stores: new DynamoStores(context), objects, base, runtime, logger, log, takeSnapshot }
  }

  /** What a restore works with. */
  async storesContext(context = this.tableContext()) {
    const { runtime } = context
    return {
      stores: new DynamoStores(context),
      objects: this.objects,
      base: await testImage(),
      runtime,
      logger: new RecordingLogger(),
    }
  }
}

/** Submits operations; gives the LSN. */
export async function write(node: BorealNode, operations: unknown[], key?: string): Promise<number> {
  const request: TransactionRequest = transactionRequest.parse({ operations })
  return (await node.submit(request, { principal: 'p', key })).lsn
}
