import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { onTestFinished } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { trim } from '../../lib/archive/trim.ts'
import { TRIM_SETTINGS, type TrimSettings } from '../../lib/archive/trim-settings.ts'
import type { Check, Source } from '../../lib/doctor/context.ts'
import { type Diagnosis, diagnose } from '../../lib/doctor/diagnose.ts'
import { openExport } from '../../lib/doctor/export-file.ts'
import { exportSource, writeExport } from '../../lib/doctor/export-log.ts'
import { openSource } from '../../lib/doctor/open-source.ts'
import type { Mending } from '../../lib/doctor/repair.ts'
import { markOf } from '../../lib/log/chain.ts'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoInspection } from '../../lib/log/dynamo-inspection.ts'
import type { LogAttributes } from '../../lib/log/dynamo-item.ts'
import { DynamoRepair } from '../../lib/log/dynamo-repair.ts'
import { DynamoTrimmableLog } from '../../lib/log/dynamo-trimmable-log.ts'
import { bucketKey, headKey } from '../../lib/log/keys.ts'
import { Log } from '../../lib/log/log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { BorealNode, type NodeOptions } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { incompressible, transaction } from '../log/log-bed.ts'
import { openDynamoLog, startTable } from '../support/embedded-table.ts'
import { testImage } from '../support/image.ts'
import { task } from '../support/records.ts'
import { type Cleanup, temporaryFolder } from '../support/temporary.ts'

export const QUIET = {
  ...{ runtime: systemRuntime, logger: silentLogger, base: testImage },
  progress: { begin: () => undefined, advance: () => undefined, end: () => undefined },
}

/** A store in an embedded table, with ways to reach what it is made of behind everybody's back. */
export class DoctorBed {
  readonly storeId: string
  readonly folder: string
  readonly objects: DirectoryObjects
  readonly #cleanup: Cleanup
  readonly #endpoint: string
  readonly #client: ReturnType<typeof createDynamoClient>['client']
  readonly #raw: DynamoInspection

  private constructor(cleanup: Cleanup, place: { endpoint: string; storeId: string; folder: string }) {
    this.storeId = place.storeId
    this.folder = place.folder
    this.objects = new DirectoryObjects(place.folder)
    this.#cleanup = cleanup
    this.#endpoint = place.endpoint
    this.#client = createDynamoClient({ endpoint: place.endpoint }, systemRuntime).client
    this.#raw = new DynamoInspection(this.#client, { table: 'boreal', storeId: place.storeId, name: 'main' })
    cleanup(async () => this.#client.destroy())
  }

  static async open(cleanup: Cleanup): Promise<DoctorBed> {
    const { endpoint } = await startTable(cleanup)
    const { events, storeId } = await openDynamoLog(endpoint, { cleanup })
    events.close()
    return new DoctorBed(cleanup, { endpoint, storeId, folder: await temporaryFolder(cleanup) })
  }

  /** A log as a node has it. */
  async log(): Promise<Log> {
    const { events } = await openDynamoLog(this.#endpoint, { cleanup: this.#cleanup })
    return new Log(events, {
      storeId: this.storeId,
      bodies: this.objects,
      runtime: systemRuntime,
      logger: silentLogger,
      archive: new ArchivedLog({ objects: this.objects, storeId: this.storeId, logger: silentLogger }),
    })
  }

  /** Archives what is new, and trims all that a snapshot allows, as if it were old enough. */
  async archive(settings?: Partial<TrimSettings>): Promise<void> {
    const log = await this.log()
    const { client, serverClock } = createDynamoClient({ endpoint: this.#endpoint }, systemRuntime)
    const trimmable = new DynamoTrimmableLog(client, { table: 'boreal', storeId: this.storeId, serverClock })
    const context = { log, objects: this.objects, logger: silentLogger, trimmable }
    await archive(context)
    if (settings !== undefined) await trim(context, { settings: { ...TRIM_SETTINGS, ...settings } })
    client.destroy()
  }

  async node(options: Partial<NodeOptions> = {}): Promise<BorealNode> {
    const node = await BorealNode.open({
      ...{ image: await testImage(), logger: silentLogger, runtime: systemRuntime, readers: 0 },
      ...{ boot: PgliteEngine.bootImage, objects: this.objects, log: await this.log(), ...options },
    })
    this.#cleanup(() => node.close())
    return node
  }

  /** Appends entries, one transaction each, by a node that is gone then. */
  async save(...taskIds: string[]): Promise<{ lsn: number; digest: string }> {
    const node = await this.node()
    for (const id of taskIds) await submitTask(node, id)
    const state = await node.digest()
    await node.close()
    return state
  }

  /** Appends an entry whose body is beside the table; gives its key. */
  async saveLarge(): Promise<string> {
    const log = await this.log()
    const end = await log.findEnd(0)
    const mark = markOf((await this.#raw.slot(end))!.item)
    const encoded = log.encode(mark, log.nextTime(mark), [transaction('large', incompressible(600_000))])
    await (await log.append(encoded)).settled
    return encoded.item.bodyKey!
  }

  async snapshot(): Promise<string> {
    const log = await this.log()
    const { objects } = this
    const { snapshotId } = await takeSnapshot({
      log,
      objects,
      base: await testImage(),
      runtime: systemRuntime,
      logger: silentLogger,
    })
    return snapshotId!
  }

  source(name = 'main'): Promise<Source> {
    const storage = { kind: 'remote', table: 'boreal', objects: this.folder, createTable: false } as const
    const opened = { endpoint: this.#endpoint, table: 'boreal', close: async () => undefined }
    return openSource(storage, { name }, systemRuntime, opened)
  }

  /** The text of an export as it is now. */
  async exported(): Promise<string> {
    const source = await this.source()
    let text = ''
    await writeExport(await exportSource(source), 1, async (piece) => {
      text += piece
    })
    await source.close()
    return text
  }

  get mending(): Mending {
    return { repair: new DynamoRepair(this.#client, { table: 'boreal', storeId: this.storeId }), objects: this.objects }
  }

  async diagnose(options: { deep?: boolean; checks?: Check[]; source?: Source } = {}): Promise<Diagnosis> {
    const source = options.source ?? (await this.source())
    try {
      return await diagnose({ ...source, ...QUIET }, options)
    } finally {
      await source.close()
    }
  }

  attributes(lsn: number): Promise<LogAttributes | undefined> {
    return this.#raw.attributes(lsn)
  }

  /** Puts attributes where they say that they belong, or into another slot. */
  async put(attributes: LogAttributes, lsn?: number): Promise<void> {
    const key = lsn === undefined ? {} : { pk: { S: bucketKey(this.storeId, lsn) }, sk: { N: String(lsn) } }
    await this.#client.send(new PutItemCommand({ TableName: 'boreal', Item: { ...attributes, ...key } }))
  }

  async remove(lsn: number): Promise<void> {
    const Key = { pk: { S: bucketKey(this.storeId, lsn) }, sk: { N: String(lsn) } }
    await this.#client.send(new DeleteItemCommand({ TableName: 'boreal', Key }))
  }

  async putHead(attributes: LogAttributes): Promise<void> {
    const Item = { pk: { S: headKey(this.storeId) }, sk: { N: '0' }, ...attributes }
    await this.#client.send(new PutItemCommand({ TableName: 'boreal', Item }))
  }

  /** Changes an object as a disk might. */
  async damageObject(key: string, change: (bytes: Buffer) => Uint8Array): Promise<() => Promise<void>> {
    const file = join(this.folder, key)
    const bytes = await readFile(file)
    await writeFile(file, change(bytes))
    return () => writeFile(file, bytes)
  }

  /** Changes an item as a disk might; gives what puts it back. */
  async damageItem(lsn: number, change: (attributes: LogAttributes) => LogAttributes): Promise<() => Promise<void>> {
    const before = (await this.attributes(lsn))!
    await this.put(change(structuredClone(before)))
    return () => this.put(before)
  }
}

export async function submitTask(node: BorealNode, id: string, key?: string): Promise<number> {
  const request = transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })
  return (await node.submit(request, { principal: 'p', ...(key === undefined ? {} : { key }) })).lsn
}

/** What was found, in short: severity, place and words. */
export function found({ findings }: Diagnosis): string[] {
  return findings.map(({ severity, lsn, to, what }) => {
    const place = lsn === undefined ? '' : to === undefined || to === lsn ? ` ${lsn}` : ` ${lsn}..${to}`
    return `${severity}${place}: ${what}`
  })
}

/** An export, closed when the test has finished. */
export async function openedExport(file: string): Promise<Source> {
  const source = await openExport(file)
  onTestFinished(() => source.close())
  return source
}
